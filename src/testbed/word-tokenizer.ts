import { createHash } from "node:crypto";
import type { TokenIds } from "../domain/token-ids.js";

/** Text to ids and back over a small vocabulary whose last entry is the end-of-sequence token. */
export interface WordTokenizer {
  readonly eosTokenId: number;
  readonly vocabularySize: number;
  /** SHA-256 of the vocabulary. */
  readonly hash: string;
  /** The longest entry that fits, again and again. @throws RangeError where none does. */
  tokenize(text: string): TokenIds;
  detokenize(tokens: TokenIds, options: { readonly skipSpecialTokens: boolean }): string;
}

export const createWordTokenizer = (vocabulary: readonly string[]): WordTokenizer => {
  const eosTokenId = vocabulary.length - 1;
  const longestFirst = vocabulary.map((word, id) => ({ word, id })).sort((a, b) => b.word.length - a.word.length);
  return {
    eosTokenId,
    vocabularySize: vocabulary.length,
    hash: createHash("sha256").update(JSON.stringify(vocabulary)).digest("hex"),
    tokenize(text) {
      const tokens: number[] = [];
      for (let position = 0; position < text.length;) {
        const entry = longestFirst.find(({ word }) => text.startsWith(word, position));
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
