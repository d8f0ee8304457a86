import { z } from "zod";
import { optimizerSchema } from "../../config/optimizer.js";
import type { Observation } from "../../domain/experience.js";
import type { ModelHandle } from "../../domain/model.js";
import { klK3 } from "../../math/kl.js";
import { variance } from "../../math/statistics.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { BatchRow, Loss } from "../../ports/trainer.js";
import { scheduledStep } from "../scheduled-step.js";
import { groupsOf } from "../training-rows.js";
import type { Algorithm, Update, UpdateContext } from "./algorithm.js";
import { batchMetrics, meanOfEach, type Metrics } from "./metrics.js";
import { defineAlgorithm } from "./define-algorithm.js";
import { observeRollouts } from "./observe-rollouts.js";
import type { PolicySettings } from "./policy-settings.js";
import { prefixGradients } from "./prefix-gradients.js";

/**
 * Natural policy gradient as the regularised mirror-descent step of Algorithm 3 (Chang et al. 2024). At a reset state s
 * the first action a is drawn from the even mixture of pi_SFT and pi_t, the rest by pi_t; y is the rollout's score.
 *   Critic: Q_t = argmin_f mean (f(s, a) - y)^2; f reads the state s + a.
 *   Policy: pi_{t+1}(a|s) ~ pi_SFT(a|s)^{eta lambda / (eta lambda + 1)} pi_t(a|s)^{1 / (eta lambda + 1)}
 *                           exp(eta / (eta lambda + 1) Q_t(s, a)), lambda = klCoef,
 * fitted by regression on log-ratios, which needs no normaliser: for each two continuations of one prefix,
 *   mean 1/2 ( [ln pi_{t+1} - ln base](a|s) - [ln pi_{t+1} - ln base](a'|s) - eta / (eta lambda + 1) [Q(s,a) - Q(s,a')] )^2.
 *
 * Differences from the theory: (1) both argmins are so many optimiser steps, warm-started; (2) the target is fitted at
 * the reset states of the batch, not at every state; (3) the policy that is kept is the last or the best one, not the
 * uniform mixture over t; (4) D_TR is split over the iterations only with reset.source.splitOverIterations.
 */
export const npgOptionsSchema = z.strictObject({
  kind: z.literal("npg"),
  eta: z.number().positive().max(1e6).describe("Step size; the theory's is 1 / (r_max sqrt(T))."),
  criticEpochs: z.number().int().positive().default(4).describe("Optimiser steps of the critic, an iteration."),
  epochs: z.number().int().positive().default(4).describe("Optimiser steps of the policy, an iteration."),
  criticOptimizer: optimizerSchema.describe("Of the critic."),
});

export type NpgOptions = z.infer<typeof npgOptionsSchema>;

/** The batch cut after each first action. */
interface FirstActions {
  readonly observed: readonly Observation[];
  /** prompt + prefix + first action; the span is the first action. */
  readonly rows: readonly BatchRow[];
}

export const createNpg = (options: NpgOptions, settings: PolicySettings): Algorithm<FirstActions> => ({
  needsCritic: true,
  firstAction: "evenMixture",

  async prepare(context, rollouts, call) {
    const keepAs = `iteration-${context.iteration}-npg`;
    const observed = await observeRollouts(
      settings,
      context,
      rollouts,
      { keepAs, withCritic: false, prefixInSignal: false },
      call,
    );
    await context.trainer.release([keepAs], call);
    const rows = rollouts.map(({ reset: { prompt, prefix }, generated }) => ({
      tokens: [...prompt, ...prefix, generated[0]!],
      spanStart: prompt.length + prefix.length,
      spanLength: 1,
    }));
    return { observed, rows };
  },

  async update(context, signal, call): Promise<Update> {
    const fitted = await fitCritic(options, context, signal, call);
    const [q] = await context.trainer.forward(
      { rows: signal.rows },
      [{ model: fitted.critic, output: "scores" }],
      call,
    );
    const { policy, metrics } = await fitPolicy(options, settings, context, signal, q!, call);
    await context.trainer.release([], call);
    return {
      models: { ...context.models, policy, critic: fitted.critic },
      metrics: {
        ...batchMetrics(signal.observed, context.endTokenIds),
        ...fitted.metrics,
        ...metrics,
        klCoef: context.klCoef,
      },
      observations: signal.observed,
    };
  },
});

/** Least squares of the scores on the states after the first actions. */
async function fitCritic(
  { criticEpochs, criticOptimizer }: NpgOptions,
  { trainer, models, iteration, iterations }: UpdateContext,
  { observed, rows }: FirstActions,
  call?: CallOptions,
): Promise<{ readonly critic: ModelHandle; readonly metrics: Metrics }> {
  let critic = models.critic!;
  const targets = observed.map(({ rollout }) => rollout.score);
  const weights = targets.map(() => 1 / targets.length);
  let metrics: Metrics = {};
  for (let epoch = 0; epoch < criticEpochs; epoch++) {
    const loss: Loss = { kind: "squaredError", output: "scores", targets, weights };
    const { requestId, losses } = await trainer.forwardBackward({ rows }, [{ model: critic, loss }], call);
    const step = await scheduledStep(
      trainer,
      {
        model: critic,
        optimizer: criticOptimizer,
        requestIds: [requestId],
        index: iteration * criticEpochs + epoch,
        total: iterations * criticEpochs,
      },
      call,
    );
    critic = step.model;
    const residuals = targets.map((target, i) => target - losses[0]!.outputs[i]!);
    const spread = variance(targets);
    metrics = {
      valueLoss: losses[0]!.loss,
      explainedVariance: spread === 0 ? 0 : 1 - variance(residuals) / spread,
      criticGradientNorm: step.gradientNorm,
    };
  }
  return { critic, metrics };
}

/** Regression of log-ratio differences to those of the closed-form target. */
async function fitPolicy(
  { eta, epochs }: NpgOptions,
  settings: PolicySettings,
  context: UpdateContext,
  { observed, rows }: FirstActions,
  q: readonly number[],
  call?: CallOptions,
): Promise<{ readonly policy: ModelHandle; readonly metrics: Metrics }> {
  const { trainer, models, iteration, iterations, temperature, klCoef } = context;
  const shrink = 1 / (eta * klCoef + 1);
  const pairs = groupsOf(observed.map(({ rollout }) => rollout)).flatMap(everyTwo);
  const loss: Loss = {
    kind: "logRatioDifference",
    baseLogprobs: observed.map(
      ({ oldLogprobs, referenceLogprobs, creditedPrefix }) =>
        (1 - shrink) * referenceLogprobs[creditedPrefix]! + shrink * oldLogprobs[creditedPrefix]!,
    ),
    firstRows: pairs.map(([first]) => first),
    secondRows: pairs.map(([, second]) => second),
    targets: pairs.map(([first, second]) => eta * shrink * (q[first]! - q[second]!)),
    weights: pairs.map(() => 1 / pairs.length),
  };
  const old = observed.map(({ oldLogprobs, creditedPrefix }) => oldLogprobs[creditedPrefix]!);
  let { policy } = models;
  const steps: Metrics[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const { requestId, losses } = await trainer.forwardBackward({ rows }, [{ model: policy, temperature, loss }], call);
    const prefix = await prefixGradients(settings, { ...context, models: { ...models, policy } }, observed, call);
    const step = await scheduledStep(
      trainer,
      {
        model: policy,
        optimizer: settings.optimizer,
        requestIds: [requestId, ...(prefix ? [prefix.requestId] : [])],
        index: iteration * epochs + epoch,
        total: iterations * epochs,
      },
      call,
    );
    policy = step.model;
    // KL(pi_old || pi) of the first actions by k3: the step that shows an excess is the last.
    const approxKl = klK3(old.map((logprob, i) => logprob - losses[0]!.outputs[i]!)) / old.length;
    steps.push({
      ...{ policyLoss: losses[0]!.loss, approxKl },
      ...(prefix ? { prefixLoss: prefix.loss } : {}),
      gradientNorm: step.gradientNorm,
      learningRate: step.learningRate,
    });
    if (settings.targetKl !== null && approxKl > settings.targetKl) break;
  }
  return { policy, metrics: { ...meanOfEach(steps), steps: steps.length } };
}

/** Every two of a group. */
const everyTwo = (group: readonly number[]): [number, number][] =>
  group.flatMap((first, i) => group.slice(i + 1).map((second): [number, number] => [first, second]));

export const npg = defineAlgorithm({
  options: npgOptionsSchema,
  continuations: { atLeast: 2, multipleOf: 1 },
  isTokenwise: false,
  create: createNpg,
});
