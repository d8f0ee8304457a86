import { z } from "zod";
import { optimizerSchema, type OptimizerOptions } from "../../config/optimizer.js";
import type { Experience } from "../../domain/experience.js";
import type { ModelHandle } from "../../domain/model.js";
import type { ScoredRollout } from "../../domain/rollout.js";
import { gae } from "../../math/gae.js";
import { whiten } from "../../math/statistics.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { Gradients, ModelLoss } from "../../ports/trainer.js";
import { scheduledStep } from "../scheduled-step.js";
import { shapeRewards } from "../shape-rewards.js";
import { splitBySpan, trainingRow } from "../training-rows.js";
import type { Algorithm, Update, UpdateContext } from "./algorithm.js";
import { batchMetrics, meanOfEach, stepMetrics, type Metrics } from "./ppo-metrics.js";

/**
 * Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) as the oracle PO of Algorithm 1.
 * With resets it is the DR-PO of the paper's experiments; without, ordinary RLHF.
 *
 * Differences from the released code of the paper: (1) a reset prefix is in no loss, advantage or whitening; (2) a
 * response ends at its end-of-sequence token; (3) losses are means over the tokens of the whole minibatch; (4) policy
 * and critic have their own AdamW; (5) rewards are not whitened.
 */
export const ppoOptionsSchema = z.strictObject({
  kind: z.literal("ppo"),
  epochs: z.number().int().positive().default(2).describe("Passes over each batch."),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of each pass."),
  clipRange: z.number().positive().default(0.2).describe("The ratio pi / pi_old is clipped to 1 -/+ this."),
  valueClipRange: z
    .number()
    .min(0)
    .default(0.2)
    .describe("Values move at most this far from the old ones; 0: any distance."),
  valueCoef: z.number().positive().default(0.1).describe("Weight of the value loss."),
  gamma: z.number().gt(0).max(1).default(1).describe("Discount of a token."),
  gaeLambda: z.number().min(0).max(1).default(0.95).describe("Lambda of generalised advantage estimation."),
  whitenAdvantages: z.boolean().default(true).describe("Advantages with mean 0 and deviation 1 over generated tokens."),
  criticOptimizer: optimizerSchema.describe("Of the critic."),
});

export type PpoOptions = z.infer<typeof ppoOptionsSchema>;

/** PPO's own options, and what it needs of the policy's section of the recipe. */
export interface PpoSettings extends PpoOptions {
  readonly klCoef: number;
  readonly optimizer: OptimizerOptions;
}

/** A part of the batch that takes an optimiser step of its own; its rows are kept on the server. */
interface Minibatch {
  readonly keptBatchId: string;
  readonly experience: readonly Experience[];
}

export function createPpo(settings: PpoSettings): Algorithm<readonly Minibatch[]> {
  return {
    needsCritic: true,
    prepare: (context, rollouts, options) => prepare(settings, context, rollouts, options),
    update: (context, minibatches, options) => update(settings, context, minibatches, options),
  };
}

/** Log-probs of pi_t and pi_SFT and values of each state, then KL-shaped rewards and advantages. */
async function prepare(
  settings: PpoSettings,
  { trainer, models: { policy, reference, critic }, iteration, temperature }: UpdateContext,
  rollouts: readonly ScoredRollout[],
  options?: CallOptions,
): Promise<readonly Minibatch[]> {
  const minibatches: Minibatch[] = [];
  for (const [index, part] of cutEvenly(rollouts, settings.minibatches).entries()) {
    const keptBatchId = `iteration-${iteration}-minibatch-${index}`;
    const rows = part.map(trainingRow);
    const arrays = await trainer.forward(
      { rows, keepAs: keptBatchId },
      [
        { model: policy, output: "logprobs", temperature },
        { model: reference, output: "logprobs", temperature },
        { model: critic!, output: "values" },
      ],
      options,
    );
    const [oldLogprobs, referenceLogprobs, values] = arrays.map((array) => splitBySpan(array, rows));
    const experience = part.map((rollout, row) =>
      estimateAdvantages(settings, {
        rollout,
        oldLogprobs: oldLogprobs![row]!,
        referenceLogprobs: referenceLogprobs![row]!,
        values: values![row]!,
      }),
    );
    minibatches.push({ keptBatchId, experience });
  }
  return settings.whitenAdvantages ? whitenAdvantages(minibatches) : minibatches;
}

/** KL-shaped rewards, then GAE, over the generated tokens of one rollout. */
function estimateAdvantages(
  settings: PpoSettings,
  observed: Pick<Experience, "rollout" | "oldLogprobs" | "referenceLogprobs" | "values">,
): Experience {
  const { rollout, oldLogprobs: logprobs, referenceLogprobs, values } = observed;
  const rewards = shapeRewards({ score: rollout.score, logprobs, referenceLogprobs }, settings.klCoef);
  return { ...observed, rewards, ...gae(rewards, values, settings) };
}

/** Over all generated tokens of the batch; those are the only tokens that have an advantage. */
function whitenAdvantages(minibatches: readonly Minibatch[]): readonly Minibatch[] {
  const all = minibatches.flatMap(({ experience }) => experience);
  const whitened = splitBySpan(
    whiten(all.flatMap(({ advantages }) => advantages)),
    all.map(({ advantages }) => ({ spanLength: advantages.length })),
  );
  let row = 0;
  return minibatches.map(({ keptBatchId, experience }) => ({
    keptBatchId,
    experience: experience.map((one) => ({ ...one, advantages: whitened[row++]! })),
  }));
}

/** Several epochs of clipped steps on policy and critic. */
async function update(
  settings: PpoSettings,
  { trainer, models, iteration, iterations, temperature }: UpdateContext,
  minibatches: readonly Minibatch[],
  options?: CallOptions,
): Promise<Update> {
  let policy = models.policy;
  let critic = models.critic!;
  const stepsPerIteration = settings.epochs * minibatches.length;
  const total = iterations * stepsPerIteration;
  const steps: Metrics[] = [];
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    for (const { keptBatchId, experience } of minibatches) {
      const losses = ppoLosses(settings, { policy, critic, temperature }, experience);
      const gradients: Gradients = await trainer.forwardBackward({ keptBatchId }, losses, options);
      const place = { requestIds: [gradients.requestId], index: iteration * stepsPerIteration + steps.length, total };
      const policyStep = await scheduledStep(
        trainer,
        { model: policy, optimizer: settings.optimizer, ...place },
        options,
      );
      const criticStep = await scheduledStep(
        trainer,
        { model: critic, optimizer: settings.criticOptimizer, ...place },
        options,
      );
      policy = policyStep.model;
      critic = criticStep.model;
      steps.push({
        ...stepMetrics(
          gradients,
          experience.flatMap(({ oldLogprobs }) => oldLogprobs),
          settings,
        ),
        gradientNorm: policyStep.gradientNorm,
        criticGradientNorm: criticStep.gradientNorm,
        learningRate: policyStep.learningRate,
      });
    }
  }
  const keptBatchIds = minibatches.map(({ keptBatchId }) => keptBatchId);
  await trainer.release(keptBatchIds, options);
  const batch = batchMetrics(minibatches.flatMap(({ experience }) => experience));
  return { models: { ...models, policy, critic }, metrics: { ...batch, ...meanOfEach(steps) } };
}

/** Means over the minibatch's generated tokens: the clipped surrogate, and valueCoef times the clipped value loss. */
function ppoLosses(
  settings: PpoSettings,
  {
    policy,
    critic,
    temperature,
  }: { readonly policy: ModelHandle; readonly critic: ModelHandle; readonly temperature: number },
  experience: readonly Experience[],
): ModelLoss[] {
  const advantages = experience.flatMap((one) => one.advantages);
  const weights = advantages.map(() => 1 / advantages.length);
  return [
    {
      model: policy,
      temperature,
      loss: {
        kind: "clippedSurrogate",
        oldLogprobs: experience.flatMap((one) => one.oldLogprobs),
        advantages,
        weights,
        clipLow: settings.clipRange,
        clipHigh: settings.clipRange,
      },
    },
    {
      model: critic,
      loss: {
        kind: "clippedValue",
        oldValues: experience.flatMap((one) => one.values),
        returns: experience.flatMap((one) => one.returns),
        weights: weights.map((weight) => weight * settings.valueCoef),
        clipRange: settings.valueClipRange,
      },
    },
  ];
}

/** Splits into `parts` runs whose lengths differ by at most one; empty ones are left out. */
function cutEvenly<T>(items: readonly T[], parts: number): T[][] {
  const cut = (part: number) => Math.round((part * items.length) / parts);
  return Array.from({ length: parts }, (_, part) => items.slice(cut(part), cut(part + 1))).filter(
    (run) => run.length > 0,
  );
}
