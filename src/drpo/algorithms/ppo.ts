import { z } from "zod";
import { optimizerSchema } from "../../config/optimizer.js";
import type { Experience } from "../../domain/experience.js";
import type { ScoredRollout } from "../../domain/rollout.js";
import { gae } from "../../math/gae.js";
import { klK1, klK3 } from "../../math/kl.js";
import { learningRateAt } from "../../math/learning-rate.js";
import { explainedVariance, mean, standardDeviation, whiten } from "../../math/statistics.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { Gradients } from "../../ports/trainer.js";
import { shapeRewards } from "../shape-rewards.js";
import { splitBySpan, trainingRow } from "../training-rows.js";
import type { Algorithm, Update, UpdateContext } from "./algorithm.js";

/**
 * Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) as the oracle PO of Algorithm 1.
 * With resets it is the DR-PO of the paper's experiments; without, ordinary RLHF.
 *
 * Differences from the released code of the paper: a reset prefix is in no loss, advantage or whitening; a response ends
 * at its end-of-sequence token; losses are means over the whole (mini)batch; policy and critic have their own AdamW.
 */
export const ppoOptionsSchema = z.strictObject({
  kind: z.literal("ppo"),
  epochs: z.number().int().positive().default(2).describe("Passes over each batch."),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of each pass."),
  clipRange: z.number().positive().default(0.2).describe("The ratio pi / pi_old is clipped to 1 -/+ this."),
  valueClipRange: z.number().min(0).default(0.2).describe("Values move at most this far from the old ones; 0: any distance."),
  valueCoef: z.number().positive().default(0.1).describe("Weight of the value loss."),
  gamma: z.number().gt(0).max(1).default(1).describe("Discount of a token."),
  gaeLambda: z.number().min(0).max(1).default(0.95).describe("Lambda of generalised advantage estimation."),
  whitenAdvantages: z.boolean().default(true).describe("Advantages with mean 0 and deviation 1 over generated tokens."),
  criticOptimizer: optimizerSchema.describe("Of the critic."),
});

export type PpoOptions = z.infer<typeof ppoOptionsSchema>;

/** What PPO needs of the policy's section of the recipe. */
export interface PpoSettings extends PpoOptions {
  readonly klCoef: number;
  readonly optimizer: z.infer<typeof optimizerSchema>;
}

/** Experience cut into minibatches, each kept on the server under its id. */
interface PpoSignal {
  readonly minibatches: readonly { readonly keptBatchId: string; readonly experience: readonly Experience[] }[];
}

export function createPpo(settings: PpoSettings): Algorithm<PpoSignal> {
  return {
    needsCritic: true,
    prepare: (context, rollouts, options) => prepare(settings, context, rollouts, options),
    update: (context, signal, options) => update(settings, context, signal, options),
  };
}

async function prepare(
  settings: PpoSettings,
  { trainer, models, iteration, temperature }: UpdateContext,
  rollouts: readonly ScoredRollout[],
  options?: CallOptions,
): Promise<PpoSignal> {
  const { policy, reference } = models;
  const critic = models.critic!;
  const minibatches = await Promise.all(
    cutEvenly(rollouts, settings.minibatches).map(async (part, index) => {
      const keptBatchId = `iteration-${iteration}-minibatch-${index}`;
      const rows = part.map(trainingRow);
      const [oldLogprobs, referenceLogprobs, values] = await trainer.forward(
        { rows, keepAs: keptBatchId },
        [
          { model: policy, output: "logprobs", temperature },
          { model: reference, output: "logprobs", temperature },
          { model: critic, output: "values" },
        ],
        options,
      );
      const byRow = [oldLogprobs!, referenceLogprobs!, values!].map((array) => splitBySpan(array, rows));
      const experience = part.map((rollout, i) =>
        estimateAdvantages(settings, rollout, { logprobs: byRow[0]![i]!, reference: byRow[1]![i]!, values: byRow[2]![i]! }),
      );
      return { keptBatchId, experience };
    }),
  );
  return { minibatches: settings.whitenAdvantages ? whitenAdvantages(minibatches) : minibatches };
}

/** KL-shaped rewards, then GAE, over the generated tokens of one rollout. */
function estimateAdvantages(
  settings: PpoSettings,
  rollout: ScoredRollout,
  tokens: { readonly logprobs: readonly number[]; readonly reference: readonly number[]; readonly values: readonly number[] },
): Experience {
  const { logprobs: oldLogprobs, reference: referenceLogprobs, values } = tokens;
  const rewards = shapeRewards({ score: rollout.score, logprobs: oldLogprobs, referenceLogprobs }, settings.klCoef);
  return { rollout, oldLogprobs, referenceLogprobs, values, rewards, ...gae(rewards, values, settings) };
}

function whitenAdvantages(minibatches: PpoSignal["minibatches"]): PpoSignal["minibatches"] {
  const whitened = whiten(minibatches.flatMap(({ experience }) => experience.flatMap(({ advantages }) => advantages)));
  let start = 0;
  return minibatches.map(({ keptBatchId, experience }) => ({
    keptBatchId,
    experience: experience.map((one) => ({
      ...one,
      advantages: whitened.slice(start, (start += one.advantages.length)),
    })),
  }));
}

async function update(
  settings: PpoSettings,
  { trainer, models, iteration, iterations, temperature }: UpdateContext,
  { minibatches }: PpoSignal,
  options?: CallOptions,
): Promise<Update> {
  let policy = models.policy;
  let critic = models.critic!;
  const stepsPerIteration = settings.epochs * minibatches.length;
  const steps: StepMetrics[] = [];
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    for (const { keptBatchId, experience } of minibatches) {
      const packed = pack(experience);
      const tokens = packed.advantages.length;
      const weights = packed.advantages.map(() => 1 / tokens);
      const gradients = await trainer.forwardBackward(
        { keptBatchId },
        [
          {
            model: policy,
            temperature,
            loss: {
              kind: "clippedSurrogate",
              oldLogprobs: packed.oldLogprobs,
              advantages: packed.advantages,
              weights,
              clipLow: settings.clipRange,
              clipHigh: settings.clipRange,
            },
          },
          {
            model: critic,
            loss: {
              kind: "clippedValue",
              oldValues: packed.values,
              returns: packed.returns,
              weights: weights.map((weight) => weight * settings.valueCoef),
              clipRange: settings.valueClipRange,
            },
          },
        ],
        options,
      );
      const index = iteration * stepsPerIteration + steps.length;
      const total = iterations * stepsPerIteration;
      const requestIds = [gradients.requestId];
      const { optimizer, criticOptimizer } = settings;
      const policyStep = await trainer.optimizerStep(
        {
          model: policy,
          requestIds,
          adamw: { ...optimizer, learningRate: learningRateAt(optimizer, index, total) },
          maxGradientNorm: optimizer.maxGradientNorm,
        },
        options,
      );
      const criticStep = await trainer.optimizerStep(
        {
          model: critic,
          requestIds,
          adamw: { ...criticOptimizer, learningRate: learningRateAt(criticOptimizer, index, total) },
          maxGradientNorm: criticOptimizer.maxGradientNorm,
        },
        options,
      );
      policy = policyStep.model;
      critic = criticStep.model;
      steps.push({
        ...stepMetrics(settings, gradients, packed),
        gradientNorm: policyStep.gradientNorm,
        criticGradientNorm: criticStep.gradientNorm,
        learningRate: learningRateAt(optimizer, index, total),
      });
    }
  }
  await trainer.release(
    minibatches.map(({ keptBatchId }) => keptBatchId),
    options,
  );
  const all = pack(minibatches.flatMap(({ experience }) => experience));
  return { models: { ...models, policy, critic }, metrics: { ...batchMetrics(all), ...meanOfEach(steps) } };
}

/** The arrays of many rollouts, one after the other, as the server wants them. */
function pack(experience: readonly Experience[]) {
  return {
    experience,
    oldLogprobs: experience.flatMap((one) => one.oldLogprobs),
    referenceLogprobs: experience.flatMap((one) => one.referenceLogprobs),
    samplerLogprobs: experience.flatMap((one) => one.rollout.samplerLogprobs),
    values: experience.flatMap((one) => one.values),
    advantages: experience.flatMap((one) => one.advantages),
    returns: experience.flatMap((one) => one.returns),
  };
}

type Packed = ReturnType<typeof pack>;
type StepMetrics = Readonly<Record<string, number>>;

/** How far the step was from the policy that wrote the batch. */
function stepMetrics(settings: PpoSettings, gradients: Gradients, packed: Packed): StepMetrics {
  const [policyLoss, valueLoss] = gradients.losses;
  const logRatios = policyLoss!.outputs.map((logprob, i) => logprob - packed.oldLogprobs[i]!);
  return {
    policyLoss: policyLoss!.loss,
    valueLoss: valueLoss!.loss / settings.valueCoef,
    clipShare: mean(logRatios.map((d) => (Math.abs(Math.exp(d) - 1) > settings.clipRange ? 1 : 0))),
    approxKl: klK3(logRatios.map((d) => -d)) / logRatios.length,
  };
}

/** What the batch says of the policy that wrote it and of the critic. */
function batchMetrics({ experience, oldLogprobs, samplerLogprobs, values, returns }: Packed): StepMetrics {
  const scores = experience.map(({ rollout }) => rollout.score);
  const logRatios = experience.map((one) => one.oldLogprobs.map((logprob, t) => logprob - one.referenceLogprobs[t]!));
  return {
    score: mean(scores),
    scoreStd: standardDeviation(scores),
    kl: mean(logRatios.map(klK1)),
    klK3: mean(logRatios.map(klK3)),
    entropy: -mean(oldLogprobs),
    explainedVariance: explainedVariance(values, returns),
    prefixTokens: mean(experience.map(({ rollout }) => rollout.reset.prefix.length)),
    responseTokens: mean(experience.map(({ rollout }) => rollout.reset.prefix.length + rollout.generated.length)),
    endedShare: mean(experience.map(({ rollout }) => (rollout.finishReason === "stop" ? 1 : 0))),
    samplerTrainerGap: mean(samplerLogprobs.map((logprob, i) => Math.abs(logprob - oldLogprobs[i]!))),
  };
}

const meanOfEach = (steps: readonly StepMetrics[]): StepMetrics =>
  Object.fromEntries(Object.keys(steps[0]!).map((name) => [name, mean(steps.map((step) => step[name]!))]));

/** Splits into `parts` runs whose lengths differ by at most one; empty ones are left out. */
function cutEvenly<T>(items: readonly T[], parts: number): T[][] {
  const cut = (part: number) => Math.round((part * items.length) / parts);
  return Array.from({ length: parts }, (_, part) => items.slice(cut(part), cut(part + 1))).filter((run) => run.length > 0);
}
