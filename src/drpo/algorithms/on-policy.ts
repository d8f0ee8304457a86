import type { OptimizerOptions } from "../../config/optimizer.js";
import type { Experience, Observation } from "../../domain/experience.js";
import type { ModelHandle } from "../../domain/model.js";
import { lossWeights } from "../../math/loss-weights.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import type { CallOptions } from "../../ports/call-options.js";
import { scheduledStep } from "../scheduled-step.js";
import { groupsOf } from "../training-rows.js";
import type { Algorithm, FirstAction, PolicyModels, UpdateContext } from "./algorithm.js";
import { batchMetrics, meanOfEach, type Metrics, stepMetrics } from "./metrics.js";
import type { Minibatch, NamedLoss } from "./minibatch.js";
import { observeRollouts } from "./observe-rollouts.js";
import type { PolicySettings } from "./policy-settings.js";
import { prefixGradients } from "./prefix-gradients.js";

/** All that tells one on-policy method from another. */
export interface OnPolicyMethod<E extends Experience = Experience> {
  readonly needsCritic: boolean;
  readonly firstAction?: FirstAction;
  /** Of the critic, where there is one. */
  readonly criticOptimizer?: OptimizerOptions;
  /** Passes over each batch, and optimiser steps of each pass. */
  readonly epochs: number;
  readonly minibatches: number;
  /** Prefix tokens have rewards, values and advantages, though the policy does not learn from them. */
  readonly prefixInSignal?: boolean;
  /** Losses are averaged over so many rows at a time, shuffled anew in each epoch; null: over the minibatch. */
  readonly rowsPerMean?: number | null;
  /** The training signal of the whole batch, from what was observed. */
  estimate(observed: readonly Observation[], context: UpdateContext): readonly E[];
  /** The losses of one minibatch; the policy's first. */
  losses(minibatch: Minibatch<E>, models: PolicyModels & { readonly temperature: number }): readonly NamedLoss[];
}

/** A minibatch whose rows are kept on the server. */
interface KeptMinibatch<E extends Experience> {
  readonly keptBatchId: string;
  readonly experience: readonly E[];
}

/**
 * An update from a method: log-probs and values of the batch, the method's signal, and several epochs of its losses, with
 * the KL as a penalty or as a term, a loss on the prefix, and an early stop, where the recipe asks for them.
 */
export function onPolicy<E extends Experience>(
  settings: PolicySettings,
  method: OnPolicyMethod<E>,
): Algorithm<readonly KeptMinibatch<E>[]> {
  return {
    needsCritic: method.needsCritic,
    firstAction: method.firstAction ?? "policy",

    async prepare(context, rollouts, options) {
      const groups = groupsOf(rollouts).map((group) => group.map((i) => rollouts[i]!));
      const observed: { keptBatchId: string; observations: readonly Observation[] }[] = [];
      for (const [index, part] of cutEvenly(groups, method.minibatches).entries()) {
        const keptBatchId = `iteration-${context.iteration}-minibatch-${index}`;
        const observations = await observeRollouts(
          settings,
          context,
          part.flat(),
          { keepAs: keptBatchId, withCritic: method.needsCritic, prefixInSignal: method.prefixInSignal ?? false },
          options,
        );
        observed.push({ keptBatchId, observations });
      }
      const experience = method.estimate(
        observed.flatMap(({ observations }) => observations),
        context,
      );
      let start = 0;
      return observed.map(({ keptBatchId, observations }) => ({
        keptBatchId,
        experience: experience.slice(start, (start += observations.length)),
      }));
    },

    async update(context, minibatches, options) {
      const { trainer } = context;
      const steps: Metrics[] = [];
      let { models } = context;
      epochs: for (let epoch = 0; epoch < method.epochs; epoch++) {
        for (const [index, kept] of minibatches.entries()) {
          const place = epoch * minibatches.length + index;
          const step = await takeStep(settings, method, { ...context, models }, { ...kept, place, epoch }, options);
          models = step.models;
          steps.push(step.metrics);
          if (settings.targetKl !== null && step.metrics["approxKl"]! > settings.targetKl) break epochs;
        }
      }
      await trainer.release(
        minibatches.map(({ keptBatchId }) => keptBatchId),
        options,
      );
      const observations = minibatches.flatMap(({ experience }) => experience);
      const batch = batchMetrics(observations, context.endTokenIds);
      const metrics = { ...batch, ...meanOfEach(steps), klCoef: context.klCoef, steps: steps.length };
      return { models, metrics, observations };
    },
  };
}

/** One gradient of all losses, and a step of each model that they are about. */
async function takeStep<E extends Experience>(
  settings: PolicySettings,
  method: OnPolicyMethod<E>,
  context: UpdateContext,
  { keptBatchId, experience, place, epoch }: KeptMinibatch<E> & { readonly place: number; readonly epoch: number },
  options?: CallOptions,
): Promise<{ readonly models: PolicyModels; readonly metrics: Metrics }> {
  const { trainer, models, temperature, iteration, iterations } = context;
  const minibatch = weigh(settings, method, context, experience, epoch);
  const losses = [...method.losses(minibatch, { ...models, temperature }), ...klLoss(settings, context, minibatch)];
  const gradients = await trainer.forwardBackward({ keptBatchId }, losses, options);
  const prefix = await prefixGradients(settings, context, experience, options);

  const stepsPerIteration = method.epochs * method.minibatches;
  const schedule = { index: iteration * stepsPerIteration + place, total: iterations * stepsPerIteration };
  const step = (model: ModelHandle, optimizer: OptimizerOptions, requestIds: readonly string[]) =>
    scheduledStep(trainer, { model, optimizer, requestIds, ...schedule }, options);
  const { requestId } = gradients;
  const policyStep = await step(models.policy, settings.optimizer, [requestId, ...(prefix ? [prefix.requestId] : [])]);
  const criticStep =
    models.critic && method.criticOptimizer ? await step(models.critic, method.criticOptimizer, [requestId]) : null;
  return {
    models: { ...models, policy: policyStep.model, critic: criticStep?.model ?? models.critic },
    metrics: {
      ...stepMetrics(losses, gradients, minibatch),
      ...(prefix ? { prefixLoss: prefix.loss } : {}),
      gradientNorm: policyStep.gradientNorm,
      ...(criticStep ? { criticGradientNorm: criticStep.gradientNorm } : {}),
      learningRate: policyStep.learningRate,
    },
  };
}

/** What each token of a minibatch counts: the client owns the normaliser, the server sums. */
function weigh<E extends Experience>(
  { lossMean }: PolicySettings,
  { rowsPerMean = null }: OnPolicyMethod<E>,
  { budget, seed, iteration }: UpdateContext,
  experience: readonly E[],
  epoch: number,
): Minibatch<E> {
  const rows = experience.map((_, row) => row);
  const order = rowsPerMean === null ? rows : new Random(seedAt(seed, "minibatch", iteration, epoch)).shuffled(rows);
  const mean = { lossMean, budget, rowsPerMean, order };
  const ofPolicy = lossWeights(
    experience.map(({ policyWeights }) => policyWeights.filter((weight) => weight !== 0).length),
    mean,
  );
  const ofToken = lossWeights(
    experience.map(({ policyWeights }) => policyWeights.length),
    mean,
  );
  return {
    experience,
    policyWeights: experience.flatMap(({ policyWeights }, row) => policyWeights.map((w) => w * ofPolicy[row]!)),
    tokenWeights: experience.flatMap(({ policyWeights }, row) => policyWeights.map(() => ofToken[row]!)),
  };
}

/** klCoef times an estimator of KL(pi || pi_SFT), where the KL is a term of the loss. */
function klLoss(
  { klPlacement, klEstimator }: PolicySettings,
  { klCoef, models: { policy }, temperature }: UpdateContext,
  { experience, policyWeights }: Minibatch,
): NamedLoss[] {
  if (klPlacement === "reward" || klCoef === 0) return [];
  const referenceLogprobs = experience.flatMap((one) => one.referenceLogprobs);
  const weights = policyWeights.map((weight) => weight * klCoef);
  const loss = { kind: "kl", referenceLogprobs, weights, estimator: klEstimator } as const;
  return [{ name: "klLoss", scale: klCoef, model: policy, temperature, loss }];
}

/** Splits groups into `parts` runs whose lengths differ by at most one; a group is never cut, empty runs are left out. */
function cutEvenly<T>(groups: readonly T[], parts: number): T[][] {
  const cut = (part: number) => Math.round((part * groups.length) / parts);
  return Array.from({ length: parts }, (_, part) => groups.slice(cut(part), cut(part + 1))).filter(
    (run) => run.length > 0,
  );
}
