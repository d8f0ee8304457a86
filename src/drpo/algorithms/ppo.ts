import { z } from "zod";
import { optimizerSchema } from "../../config/optimizer.js";
import type { ValuedExperience } from "../../domain/experience.js";
import { gae } from "../../math/gae.js";
import { whitenRows } from "../../math/whiten-rows.js";
import type { Algorithm } from "./algorithm.js";
import { clippedSurrogate, clippedValue } from "./losses.js";
import { defineAlgorithm } from "./define-algorithm.js";
import { onPolicy } from "./on-policy.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) as the oracle PO of Algorithm 1.
 * With resets it is the DR-PO of the paper's experiments; without, ordinary RLHF.
 *
 * Differences from the released code of the paper: (1) a reset prefix is in no loss, advantage or whitening; (2) a
 * response ends at its end-of-sequence token; (3) losses are means over the tokens of the whole minibatch; (4) policy
 * and critic have their own AdamW; (5) rewards are not whitened; (6) the learning rate moves with each optimiser step.
 * policy.compat = "drpo-2024" undoes the first three and the fifth.
 */
export const ppoOptionsSchema = z.strictObject({
  kind: z.literal("ppo"),
  epochs: z.number().int().positive().default(2).describe("Passes over each batch."),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of each pass."),
  clipRange: z.number().positive().max(1e6).default(0.2).describe("The ratio pi / pi_old is clipped to 1 -/+ this."),
  valueClipRange: z
    .number()
    .min(0)
    .max(1e6)
    .default(0.2)
    .describe("Values move at most this far from the old ones; 0: any distance."),
  valueCoef: z.number().positive().max(1e4).default(0.1).describe("Weight of the value loss."),
  gamma: z.number().gt(0).max(1).default(1).describe("Discount of a token."),
  gaeLambda: z.number().min(0).max(1).default(0.95).describe("Lambda of generalised advantage estimation."),
  whitenRewards: z.boolean().default(false).describe("Rewards with deviation 1, their mean kept."),
  whitenAdvantages: z.boolean().default(true).describe("Advantages with mean 0 and deviation 1."),
  rowsPerWhitening: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("Whitened together; null: the batch. (The released code: the 128 rows of a rank.)"),
  rowsPerMean: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("All losses are averaged over so many rows at a time; null: the minibatch. (The released code: 4.)"),
  prefixInSignal: z
    .boolean()
    .default(false)
    .describe("Prefix tokens are in value loss, KL penalty, GAE and whitening, as in the released code."),
  criticOptimizer: optimizerSchema.describe("Of the critic."),
});

export type PpoOptions = z.infer<typeof ppoOptionsSchema>;

export const createPpo = (options: PpoOptions, settings: PolicySettings): Algorithm =>
  onPolicy<ValuedExperience>(settings, {
    ...options,
    needsCritic: true,

    estimate(observed) {
      const whitened = (rows: readonly (readonly number[])[], shiftMean: boolean) =>
        whitenRows(rows, { rowsPerGroup: options.rowsPerWhitening, shiftMean });
      const raw = observed.map((one) => one.rewards);
      const rewards = options.whitenRewards ? whitened(raw, false) : raw;
      const estimates = observed.map(({ values }, i) => gae(rewards[i]!, values, options));
      const advantages = estimates.map((estimate) => estimate.advantages);
      const learnt = options.whitenAdvantages ? whitened(advantages, true) : advantages;
      return observed.map((one, i) => ({
        ...one,
        rewards: rewards[i]!,
        advantages: learnt[i]!,
        returns: estimates[i]!.returns,
      }));
    },

    losses: (minibatch, models) => [
      clippedSurrogate(minibatch, models, options.clipRange),
      clippedValue(minibatch, models, options),
    ],
  });

export const ppo = defineAlgorithm({
  options: ppoOptionsSchema,
  conflicts: ({ rowsPerMean }, { lossMean }) =>
    rowsPerMean !== null && lossMean !== "tokens"
      ? [
          {
            path: ["algorithm", "rowsPerMean"],
            message: `rows are averaged by tokens, but policy.lossMean is "${lossMean}"`,
          },
        ]
      : [],
  create: createPpo,
});
