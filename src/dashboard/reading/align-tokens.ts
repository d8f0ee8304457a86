/** Characters of the text that a part of a character (U+FFFD) may stand for, beside what lies between two tokens. */
const SLACK = 3;

/**
 * Which part of the response each token wrote. Tokens turned into text one by one do not always add up to the response:
 * special tokens are left out of it, a tokenizer may drop a space at the beginning, and parts of a character have no text
 * of their own.
 * @param tokenTexts each token by itself
 * @returns pieces that add up to the text; [tokenTexts.length]. Some are empty.
 */
export function alignTokens(text: string, tokenTexts: readonly string[]): readonly string[] {
  const pieces = tokenTexts.map(() => "");
  let position = 0;
  /** Tokens since the last one that was found: what lies between goes to the last of them. */
  let open = 0;
  for (const [i, token] of tokenTexts.entries()) {
    const start = token === "" || token.includes("\ufffd") ? -1 : text.indexOf(token, position);
    if (start === -1 || start - position > SLACK * (open + 1)) {
      open++;
      continue;
    }
    const gap = text.slice(position, start);
    if (open > 0) pieces[i - 1] = gap;
    pieces[i] = open > 0 ? token : gap + token;
    position = start + token.length;
    open = 0;
  }
  if (pieces.length > 0) pieces[pieces.length - 1] += text.slice(position);
  return pieces;
}
