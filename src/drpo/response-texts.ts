import { createHash } from "node:crypto";
import { withoutEnd } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { TokenizedGroup } from "../domain/tokenized-dataset.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ResponseInTokens, ScorableResponse } from "../ports/reward-function.js";
import type { Tokenizer } from "../ports/tokenizer.js";

/** Adds the texts to responses in token ids. */
export type ResponseTexts = (
  responses: readonly ResponseInTokens[],
  options?: CallOptions,
) => Promise<readonly ScorableResponse[]>;

/**
 * Prompts are told by their tokens: one of the data has its own text, whole and with its special tokens, so that a verifier
 * can look it up; any other is turned back into text.
 */
export function responseTexts(
  tokenizer: Tokenizer,
  groups: readonly TokenizedGroup[],
  endTokenIds: readonly number[],
): ResponseTexts {
  const promptTexts = new Map(groups.map(({ prompt, promptText }) => [digest(prompt), promptText]));
  return async (responses, options) => {
    const known = responses.map(({ prompt }) => promptTexts.get(digest(prompt)));
    const others = responses.filter((_, i) => known[i] === undefined);
    const call = { signal: options?.signal };
    const texts = await tokenizer.detokenize(
      responses.map(({ response }) => withoutEnd(response, endTokenIds)),
      { ...call, continues: true },
    );
    const otherTexts = await tokenizer.detokenize(
      others.map(({ prompt }) => prompt),
      call,
    );
    let next = 0;
    return responses.map((response, i) => ({
      ...response,
      promptText: known[i] ?? otherTexts[next++]!,
      responseText: texts[i]!,
    }));
  };
}

/** A key of some bytes: a dataset has many prompts, and long ones. */
const digest = (tokens: TokenIds): string => createHash("sha256").update(Uint32Array.from(tokens)).digest("base64");
