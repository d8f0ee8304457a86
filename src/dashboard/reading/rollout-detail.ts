import type { RolloutDetail, Token } from "../api.js";
import { alignTokens } from "./align-tokens.js";
import { klOf, type RolloutLine } from "./rollout-line.js";

/** One rollout, token by token. */
export function rolloutDetail(iteration: number, line: RolloutLine, promptText: string | null): RolloutDetail {
  const { row, continuation, score, text, finishReason, sourceId, parent, fraction, prompt, prefix } = line;
  return {
    ...{ iteration, row, continuation, score, kl: klOf(line), text, finishReason, sourceId, promptText },
    ...{ parent: parent ?? null, fraction: fraction ?? null, promptTokens: prompt.length, prefixTokens: prefix.length },
    budget: line.maxNewTokens,
    hasTexts: line.tokenTexts !== undefined,
    tokens: tokensOf(line),
  };
}

function tokensOf({ text, tokenTexts, prefix, generated, samplerLogprobs, referenceLogprobs }: RolloutLine): Token[] {
  const ids = [...prefix, ...generated];
  const pieces = tokenTexts ? alignTokens(text, tokenTexts) : ids.map((id) => `${id} `);
  return ids.map((id, i) => ({
    ...{ id, piece: pieces[i] ?? "" },
    logprob: samplerLogprobs[i - prefix.length] ?? null,
    referenceLogprob: referenceLogprobs?.[i - prefix.length] ?? null,
  }));
}
