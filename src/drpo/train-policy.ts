import type { CallOptions } from "../ports/call-options.js";
import type { Progress } from "../ports/progress.js";
import type { RunDirectory } from "../ports/run-directory.js";
import type { Sampler, SamplingParams } from "../ports/sampler.js";
import type { Trainer } from "../ports/trainer.js";
import type { Algorithm } from "./algorithms/algorithm.js";
import { collectRollouts } from "./collect-rollouts.js";
import type { CommitIteration, PolicyState } from "./commit-iteration.js";
import { refuseDivergence } from "./refuse-divergence.js";
import type { ReferenceAhead } from "./reference-ahead.js";
import type { ResetSampler } from "./resets/reset-sampler.js";
import type { Scorer } from "./score-rollouts.js";
import { nextKlCoef } from "./next-kl-coef.js";

export interface PolicyTraining {
  readonly algorithm: Algorithm;
  readonly resetSampler: ResetSampler;
  readonly sampler: Sampler;
  readonly scorer: Scorer;
  readonly trainer: Trainer;
  /** Left out: the reference reads rollouts when all are there. */
  readonly referenceAhead?: ReferenceAhead | undefined;
  readonly commitIteration: CommitIteration;
  readonly run: Pick<RunDirectory, "appendMetrics">;
  readonly progress: Progress;
  /** T. */
  readonly iterations: number;
  readonly continuations: number;
  readonly params: SamplingParams;
  /** H, tokens. */
  readonly budget: number;
  readonly endTokenIds: readonly number[];
  readonly seed: number;
  /** Null: klCoef stays as it is. */
  readonly adaptiveKl: { readonly target: number; readonly horizon: number } | null;
  /** Mean KL to SFT, nats a response, above which the run has diverged. */
  readonly maxKl: number;
}

/**
 * Algorithm 1 of Chang et al. 2024 (arXiv 2404.08495), from step 3 on: pi_1 = pi_SFT and the reward model r are there.
 * @param state where to go on: the first iteration, or the last commit
 * @throws DivergedError with everything up to the last commit kept
 */
export async function trainPolicy(
  training: PolicyTraining,
  state: PolicyState,
  options: CallOptions,
): Promise<PolicyState> {
  const { algorithm, resetSampler, sampler, scorer, commitIteration, run, iterations, params, seed } = training;
  const task = training.progress.start("policy", iterations, "iterations");
  task.update(state.iteration);

  for (let iteration = state.iteration; iteration < iterations; iteration++) {
    const { models, memory } = state;
    const context = { ...training, models, iteration, temperature: params.temperature, klCoef: memory.klCoef };

    // 3a: states s_h of D_TR, rollouts of pi_t from them, their scores r(x, y).
    const resets = await resetSampler.draw({ iteration, models }, memory.fractions, options);
    const rollouts = await collectRollouts(
      sampler,
      resets,
      {
        ...{ policy: models.policy, params, continuations: training.continuations },
        noise: { seed, purpose: "rollout", iteration },
        firstActionBy: algorithm.firstAction === "evenMixture" ? models.reference : undefined,
        onRollouts: (some) => {
          scorer.begin?.(some, options);
          training.referenceAhead?.begin(some, models.reference, options);
        },
      },
      options,
    );
    const scored = await scorer.score(rollouts, options);

    // 3b: pi_{t+1} = PO(pi_t, batch).
    const signal = await algorithm.prepare(context, scored, options);
    const { models: updated, metrics, observations } = await algorithm.update(context, signal, options);
    refuseDivergence(metrics, iteration, training.maxKl);

    await run.appendMetrics({ stage: "policy", iteration: iteration + 1, metrics });
    const remembered = {
      klCoef: nextKlCoef(memory.klCoef, metrics, scored.length, training.adaptiveKl),
      fractions: resetSampler.learn(memory.fractions, scored),
    };
    state = await commitIteration(
      { ...state, iteration: iteration + 1, models: updated, memory: remembered },
      observations,
      options,
    );
    task.update(iteration + 1, { score: metrics["score"] ?? NaN, kl: metrics["kl"] ?? NaN });
  }
  task.end();
  return state;
}
