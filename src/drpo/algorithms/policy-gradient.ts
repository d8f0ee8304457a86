import { z } from "zod";
import { optimizerSchema } from "../../config/optimizer.js";
import type { ValuedExperience } from "../../domain/experience.js";
import { gae } from "../../math/gae.js";
import { whitenRows } from "../../math/whiten-rows.js";
import type { Algorithm } from "./algorithm.js";
import { clippedValue, policyGradientLoss } from "./losses.js";
import { defineAlgorithm } from "./define-algorithm.js";
import { onPolicy } from "./on-policy.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * The policy gradient with a critic as its baseline (Sutton et al. 2000; actor-critic): one pass over each batch, and no
 * ratio. With gamma = 1, whitenAdvantages false and lossMean = "budget" its expectation, at an exact critic, is the gradient
 * of the KL-shaped return from the batch's reset points, over the budget.
 *
 * Difference from the textbook: (1) the critic takes one step on the batch that it is the baseline of, after the policy's
 * gradient was computed with its old values.
 */
export const policyGradientOptionsSchema = z.strictObject({
  kind: z.literal("policyGradient"),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of the pass."),
  valueClipRange: z
    .number()
    .min(0)
    .max(1e6)
    .default(0)
    .describe("Values move at most this far from the old ones; 0: any distance."),
  valueCoef: z.number().positive().max(1e4).default(0.5).describe("Weight of the value loss."),
  gamma: z.number().gt(0).max(1).default(1).describe("Discount of a token."),
  gaeLambda: z.number().min(0).max(1).default(1).describe("Lambda of generalised advantage estimation."),
  whitenAdvantages: z.boolean().default(true).describe("Advantages with mean 0 and deviation 1."),
  criticOptimizer: optimizerSchema.describe("Of the critic."),
});

export type PolicyGradientOptions = z.infer<typeof policyGradientOptionsSchema>;

export const createPolicyGradient = (options: PolicyGradientOptions, settings: PolicySettings): Algorithm =>
  onPolicy<ValuedExperience>(settings, {
    ...options,
    needsCritic: true,
    epochs: 1,

    estimate(observed) {
      const estimates = observed.map(({ rewards, values }) => gae(rewards, values, options));
      const advantages = estimates.map((estimate) => estimate.advantages);
      const learnt = options.whitenAdvantages
        ? whitenRows(advantages, { rowsPerGroup: null, shiftMean: true })
        : advantages;
      return observed.map((one, i) => ({ ...one, advantages: learnt[i]!, returns: estimates[i]!.returns }));
    },

    losses: (minibatch, models) => [policyGradientLoss(minibatch, models), clippedValue(minibatch, models, options)],
  });

export const policyGradient = defineAlgorithm({
  options: policyGradientOptionsSchema,
  create: createPolicyGradient,
});
