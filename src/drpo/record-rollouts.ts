import type { Observation } from "../domain/experience.js";
import { responseTokens, type RecordedRollout } from "../domain/rollout.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Tokenizer } from "../ports/tokenizer.js";

/** Rollouts as a run keeps them: with their texts, and with what the reference thinks of each token. */
export async function recordRollouts(
  tokenizer: Tokenizer,
  observations: readonly Observation[],
  options: CallOptions,
): Promise<readonly RecordedRollout[]> {
  const responses = observations.map(({ rollout }) => responseTokens(rollout));
  const distinctIds = [...new Set(responses.flat())];
  const inPlace = { ...options, continues: true };
  const texts = await tokenizer.detokenize(responses, inPlace);
  const idTexts = await tokenizer.detokenize(
    distinctIds.map((id) => [id]),
    inPlace,
  );
  const textOf = new Map(distinctIds.map((id, i) => [id, idTexts[i]!]));
  return observations.map(({ rollout, referenceLogprobs, creditedPrefix }, i) => ({
    ...rollout,
    text: texts[i]!,
    tokenTexts: responses[i]!.map((id) => textOf.get(id)!),
    referenceLogprobs: referenceLogprobs.slice(creditedPrefix),
  }));
}
