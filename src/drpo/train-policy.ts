import { DivergedError } from "../errors.js";
import type { Progress } from "../ports/progress.js";
import type { CallOptions } from "../ports/call-options.js";
import type { RunDirectory } from "../ports/run-directory.js";
import type { Sampler, SamplingParams } from "../ports/sampler.js";
import type { Trainer } from "../ports/trainer.js";
import type { Algorithm } from "./algorithms/algorithm.js";
import { collectRollouts } from "./collect-rollouts.js";
import type { CommitIteration, PolicyState } from "./commit-iteration.js";
import type { ResetSampler } from "./reset-sampler.js";
import type { Scorer } from "./score-rollouts.js";

export interface PolicyTraining {
  readonly algorithm: Algorithm;
  readonly resetSampler: ResetSampler;
  readonly sampler: Sampler;
  readonly scorer: Scorer;
  readonly trainer: Trainer;
  readonly commitIteration: CommitIteration;
  readonly run: RunDirectory;
  readonly progress: Progress;
  /** T. */
  readonly iterations: number;
  readonly continuations: number;
  readonly params: SamplingParams;
  readonly seed: number;
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
  const { algorithm, resetSampler, sampler, scorer, trainer, commitIteration, run, iterations, params, seed } =
    training;
  const task = training.progress.start("policy", iterations, "iterations");
  task.update(state.iteration);

  for (let iteration = state.iteration; iteration < iterations; iteration++) {
    const context = { trainer, models: state.models, iteration, iterations, temperature: params.temperature };
    const noise = { seed, purpose: "rollout", iteration } as const;
    const { continuations } = training;

    // 3a: states s_h of D_TR, rollouts of pi_t from them, their scores r(x, y).
    const resets = await resetSampler.draw(iteration);
    const rollouts = await collectRollouts(
      sampler,
      resets,
      { policy: state.models.policy, params, noise, continuations },
      options,
    );
    const scored = await scorer.score(rollouts, options);

    // 3b: pi_{t+1} = PO(pi_t, batch).
    const signal = await algorithm.prepare(context, scored, options);
    const update = await algorithm.update(context, signal, options);
    refuseDivergence(update.metrics, iteration, training.maxKl);

    await run.appendMetrics({ stage: "policy", iteration: iteration + 1, metrics: update.metrics });
    state = await commitIteration({ ...state, iteration: iteration + 1, models: update.models }, scored, options);
    task.update(iteration + 1, { score: update.metrics["score"] ?? NaN, kl: update.metrics["kl"] ?? NaN });
  }
  task.end();
  return state;
}

function refuseDivergence(metrics: Readonly<Record<string, number>>, iteration: number, maxKl: number): void {
  const where = `Iteration ${iteration + 1} of the policy stage`;
  const advice = "Lower the learning rate or raise policy.klCoef; the last commit is intact.";
  const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (bad) throw new DivergedError(`${where}: the metric ${bad[0]} is ${bad[1]}. ${advice}`);
  const kl = metrics["kl"] ?? 0;
  if (kl > maxKl) {
    throw new DivergedError(
      `${where}: the mean KL to SFT is ${kl.toFixed(1)} nats, above policy.maxKl = ${maxKl}. ${advice}`,
    );
  }
}
