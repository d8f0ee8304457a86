/** What an answer prefers. */
export type Choice = "A" | "B" | "tie";

/**
 * After "Preferred:", perhaps with the kind of text before the letter ("Preferred: Summary B"). An answer that repeats the
 * form ("Preferred: A or B") states nothing.
 */
const PREFERRED =
  /\bpreferred\s*:\s*(?:(?:summary|response|review|option|answer)\s+)?[([]?((?:an?\s+)?(?:tie|draw)|neither|both|equal|a|b)\b(?!\s*(?:or|\/)\s*b\b)/gi;
/** An answer that is the letter and nothing else. */
const BARE = /^[([]?(a|b|tie)[)\].]*$/i;

/**
 * The preference that an answer states: what follows its last "Preferred:", or all of it where it is a letter only.
 * @returns null where it states none
 */
export function readChoice(answer: string): Choice | null {
  // Emphasis and quotation marks stand around the word or the letter as models please.
  const plain = answer.replaceAll(/[*_`"'“”‘’<>]/g, "").trim();
  const stated = [...plain.matchAll(PREFERRED)].at(-1)?.[1] ?? BARE.exec(plain)?.[1];
  if (stated === undefined) return null;
  const letter = stated.toUpperCase();
  return letter === "A" || letter === "B" ? letter : "tie";
}
