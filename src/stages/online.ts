import type { OnlineOptions } from "../config/policy.js";
import { referenceAhead } from "../drpo/reference-ahead.js";
import { trainPolicy } from "../drpo/train-policy.js";
import { firstState } from "./first-state.js";
import type { PolicyCommitter } from "./policy-committer.js";
import { openResetSampler } from "./reset-sampler.js";
import { scorerOf, type RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/** Algorithm 1, step 3: wires the loop of drpo/train-policy.ts to the recipe. */
export async function trainOnline(
  run: OpenRun,
  policy: OnlineOptions,
  {
    sft,
    reward,
    seed,
    committer,
  }: {
    readonly sft: SftOutput;
    readonly reward: RewardOutput;
    readonly seed: number;
    readonly committer: PolicyCommitter;
  },
): Promise<void> {
  const { server, progress, tokenizerInfo } = run;
  const { endTokenIds } = tokenizerInfo;
  const { iterations, klCoef, adaptiveKl, maxKl, missingEosScore, endMustPrecedeLast } = policy;
  const algorithm = run.algorithm!;
  const scorer = scorerOf(run, reward, { missingEosScore, endMustPrecedeLast });
  const params = { ...policy.sampling, stopTokenIds: policy.stopAtEndOfSequence ? endTokenIds : [] };
  const resetSampler = await openResetSampler(run, policy, { scorer, params, seed });
  const state = await firstState(run, sft, reward, { needsCritic: algorithm.needsCritic, klCoef, seed });
  await trainPolicy(
    {
      ...{ algorithm, resetSampler, scorer, params, seed, progress, endTokenIds, iterations, adaptiveKl, maxKl },
      ...{ sampler: server.sampler, trainer: server.trainer, run: run.run, budget: run.recipe.response.maxTokens },
      referenceAhead: run.recipe.server.overlap
        ? referenceAhead(server.trainer, policy.sampling.temperature)
        : undefined,
      continuations: policy.reset.continuations,
      commitIteration: committer({ iterations, klCoef }),
    },
    state,
    run.call,
  );
}
