import type { Token } from "../api.js";

/** Nats from which on a colour is at its strongest. */
const FULL = 2;
const LEVELS = 5;

/** ln pi - ln pi_SFT of a token: above 0 where the policy wants it more than SFT did. Null in the prefix. */
export const klOf = ({ logprob, referenceLogprob }: Token): number | null =>
  logprob === null || referenceLogprob === null ? null : logprob - referenceLogprob;

/** Class of a token's colour: more-1 to more-5, less-1 to less-5, or none where the two agree. */
export function colourClass(kl: number | null): string {
  const level = kl === null ? 0 : Math.min(Math.ceil((Math.abs(kl) / FULL) * LEVELS - 0.25), LEVELS);
  if (level <= 0) return "";
  return `${kl! > 0 ? "more" : "less"}-${level}`;
}

/** A token as a person can read it: spaces and line ends are seen. */
export const readable = (piece: string): string =>
  piece === "" ? "\u2205" : piece.replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5").replaceAll(" ", "\u00b7");
