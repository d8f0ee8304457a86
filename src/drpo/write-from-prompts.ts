import type { ModelHandle } from "../domain/model.js";
import type { Rollout, ScoredRollout } from "../domain/rollout.js";
import type { TokenizedGroup } from "../domain/tokenized-dataset.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Sampler, SamplingParams } from "../ports/sampler.js";
import type { Trainer } from "../ports/trainer.js";
import { collectRollouts, type RolloutNoise } from "./collect-rollouts.js";
import type { Scorer } from "./score-rollouts.js";
import { splitBySpan, trainingRow } from "./training-rows.js";

/** A response that was written from the prompt, and how far from SFT the policy was at each of its tokens. */
export interface WrittenResponse {
  readonly rollout: ScoredRollout;
  /** ln pi - ln pi_SFT of each generated token. */
  readonly logRatios: readonly number[];
}

/**
 * What a policy writes by itself: no resets, whatever it was trained with. Prompts take turns. Progress counts the
 * responses written; scoring them comes after.
 * @param noise two policies under the same noise are compared response by response
 */
export async function writeFromPrompts(
  { sampler, trainer, scorer }: { readonly sampler: Sampler; readonly trainer: Trainer; readonly scorer: Scorer },
  request: {
    readonly policy: ModelHandle;
    readonly reference: ModelHandle;
    readonly prompts: readonly TokenizedGroup[];
    readonly responses: number;
    readonly budget: number;
    readonly params: SamplingParams;
    readonly noise: RolloutNoise;
  },
  options?: CallOptions,
): Promise<readonly WrittenResponse[]> {
  const { policy, reference, prompts, params, noise } = request;
  const starts = Array.from({ length: request.responses }, (_, row) => ({
    row,
    prompt: prompts[row % prompts.length]!.prompt,
    prefix: [],
    sourceId: null,
    maxNewTokens: request.budget,
  }));
  const quiet = { signal: options?.signal };
  const onRollouts = (some: readonly Rollout[]) => scorer.begin?.(some, quiet);
  const rollouts = await collectRollouts(sampler, starts, { policy, params, noise, onRollouts }, options);
  const scored = await scorer.score(rollouts, quiet);
  if (policy.name === reference.name) {
    return scored.map((rollout) => ({ rollout, logRatios: rollout.generated.map(() => 0) }));
  }
  const rows = scored.map((rollout) => trainingRow(rollout));
  const { temperature } = params;
  const [logprobs, referenceLogprobs] = await trainer.forward(
    { rows },
    [
      { model: policy, output: "logprobs", temperature },
      { model: reference, output: "logprobs", temperature },
    ],
    quiet,
  );
  const logRatios = splitBySpan(
    logprobs!.map((logprob, i) => logprob - referenceLogprobs![i]!),
    rows,
  );
  return scored.map((rollout, i) => ({ rollout, logRatios: logRatios[i]! }));
}
