import { createHash } from "node:crypto";
import type { TextPart } from "../domain/text.js";
import type { TokenIds } from "../domain/token-ids.js";

/** Text to ids and back over a small vocabulary whose last entry is the end-of-sequence token. */
export interface WordTokenizer {
  readonly eosTokenId: number;
  readonly vocabularySize: number;
  /** SHA-256 of the vocabulary. */
  readonly hash: string;
  /**
   * The longest entry that fits, again and again; the end of sequence fits within a part that may hold special tokens, as
   * a plain string may.
   * @throws RangeError where none does
   */
  tokenize(text: string | readonly TextPart[]): TokenIds;
  detokenize(tokens: TokenIds, options: { readonly skipSpecialTokens: boolean }): string;
}

export const createWordTokenizer = (vocabulary: readonly string[]): WordTokenizer => {
  const eosTokenId = vocabulary.length - 1;
  const longestFirst = vocabulary
    .map((word, id) => ({ word, id }))
    .sort((a, b) => b.word.length - a.word.length || b.id - a.id);
  return {
    eosTokenId,
    vocabularySize: vocabulary.length,
    hash: createHash("sha256").update(JSON.stringify(vocabulary)).digest("hex"),
    tokenize(written) {
      const parts = typeof written === "string" ? [{ text: written, specialTokens: true }] : written;
      const text = parts.map((part) => part.text).join("");
      const ends = endsOfSequence(parts, vocabulary[eosTokenId]!);
      const tokens: number[] = [];
      for (let position = 0; position < text.length;) {
        const entry = longestFirst.find(
          ({ word, id }) => text.startsWith(word, position) && (id !== eosTokenId || ends.has(position)),
        );
        if (entry === undefined)
          throw new RangeError(`no word of the vocabulary begins ${JSON.stringify(text.slice(position))}`);
        tokens.push(entry.id);
        position += entry.word.length;
      }
      return tokens;
    },
    detokenize: (tokens, { skipSpecialTokens }) =>
      tokens
        .filter((token) => !(skipSpecialTokens && token === eosTokenId))
        .map((token) => vocabulary[token])
        .join(""),
  };
};

/** Where a part that may hold special tokens spells the end of sequence, counted in the joined text. */
function endsOfSequence(parts: readonly TextPart[], word: string): ReadonlySet<number> {
  const found = new Set<number>();
  let start = 0;
  for (const { text, specialTokens } of parts) {
    for (let at = text.indexOf(word); specialTokens && at !== -1; at = text.indexOf(word, at + 1))
      found.add(start + at);
    start += text.length;
  }
  return found;
}
