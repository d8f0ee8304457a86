import type { ModelHandle } from "../domain/model.js";
import type { ResetPoint, Rollout } from "../domain/rollout.js";
import { seedAt, type SeedPurpose } from "../math/seeds.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Sampler, SamplingParams } from "../ports/sampler.js";

/** Which noise the rollouts use. */
export interface RolloutNoise {
  readonly seed: number;
  readonly purpose: SeedPurpose;
  readonly iteration: number;
}

/**
 * Rolls out pi from each reset point: y ~ pi(. | s_h).
 * @returns rollouts in the order of the reset points, the continuations of one beside each other
 */
export async function collectRollouts(
  sampler: Sampler,
  resets: readonly ResetPoint[],
  {
    policy,
    params,
    noise,
    continuations = 1,
  }: {
    readonly policy: ModelHandle;
    readonly params: SamplingParams;
    readonly noise: RolloutNoise;
    readonly continuations?: number;
  },
  options?: CallOptions,
): Promise<readonly Rollout[]> {
  const contexts = resets.map(({ row, prompt, prefix, maxNewTokens }) => ({
    tokens: [...prompt, ...prefix],
    maxNewTokens,
    firstPosition: prefix.length,
    seeds: Array.from({ length: continuations }, (_, continuation) =>
      seedAt(noise.seed, noise.purpose, noise.iteration, row, continuation),
    ),
  }));
  const written = await sampler.sample({ model: policy, contexts, params }, options);
  return resets.flatMap((reset, i) =>
    written[i]!.map(({ tokens, logprobs, finishReason, version }, continuation) => ({
      reset,
      continuation,
      generated: tokens,
      samplerLogprobs: logprobs,
      finishReason,
      version,
    })),
  );
}
