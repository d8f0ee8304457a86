import type { TokenIds } from "../../domain/token-ids.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { Tokenizer } from "../../ports/tokenizer.js";
import type { PrefixSelector } from "./prefix-selector.js";

/**
 * Cuts right after a step, which a delimiter ends ("\n", ". "), or before the first: each as likely as the others. Where
 * a response has one step only, the rollout starts at the prompt. The delimiter is looked for in the joined texts of the
 * tokens, so it may lie across tokens; the cut is after the token that completes it.
 */
export function stepBoundaries(tokenizer: Tokenizer, delimiter: string): PrefixSelector {
  const textOf = new Map<number, string>();
  const learnTexts = async (rows: readonly TokenIds[], options?: CallOptions): Promise<void> => {
    const unknown = [...new Set(rows.flat())].filter((token) => !textOf.has(token));
    if (unknown.length === 0) return;
    const texts = await tokenizer.detokenize(
      unknown.map((token) => [token]),
      { ...options, continues: true },
    );
    unknown.forEach((token, i) => textOf.set(token, texts[i]!));
  };
  return {
    async cut(requests, _memory, options) {
      await learnTexts(
        requests.map(({ response }) => response),
        options,
      );
      return requests.map(({ response, length, random }) => {
        const texts = response.map((token) => textOf.get(token)!);
        const cuts = [0, ...stepEnds(texts, delimiter).filter((end) => end < length)];
        return cuts.length === 1 ? null : { length: cuts[random.integer(0, cuts.length - 1)]! };
      });
    },
  };
}

/** Numbers of tokens after which a step is complete. */
export function stepEnds(texts: readonly string[], delimiter: string): number[] {
  const ends: number[] = [];
  let text = "";
  let from = 0;
  texts.forEach((piece, i) => {
    text += piece;
    let found = text.indexOf(delimiter, from);
    if (found === -1) return;
    for (; found !== -1; found = text.indexOf(delimiter, from)) from = found + delimiter.length;
    ends.push(i + 1);
  });
  return ends;
}
