import { z } from "zod";
import { groupAdvantages } from "../../math/group-baselines.js";
import { groupsOf } from "../training-rows.js";
import type { Algorithm } from "./algorithm.js";
import { clippedSurrogate, everyToken, totalRewards } from "./losses.js";
import { defineAlgorithm } from "./define-algorithm.js";
import { onPolicy } from "./on-policy.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * Group-relative policy optimisation (Shao et al. 2024, arXiv 2402.03300): the advantage of a rollout is its return less
 * the mean of its group's, over their deviation; the clipped surrogate; no critic.
 *
 * Differences from the paper: (1) the group shares a reset prefix, not only a prompt; (2) KL, its place and its
 * estimator are the recipe's (the paper: klPlacement "loss", klEstimator "k3"); (3) the mean is the recipe's lossMean
 * (the paper: "responses"; Dr. GRPO, arXiv 2503.20783: "budget", and scaleByDeviation false).
 */
export const grpoOptionsSchema = z.strictObject({
  kind: z.literal("grpo"),
  epochs: z.number().int().positive().default(1).describe("Passes over each batch."),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of each pass; groups are never cut."),
  clipRange: z.number().positive().max(1e6).default(0.2).describe("The ratio pi / pi_old is clipped to 1 -/+ this."),
  scaleByDeviation: z.boolean().default(true).describe("Advantages in units of the group's standard deviation."),
});

export type GrpoOptions = z.infer<typeof grpoOptionsSchema>;

export const createGrpo = (options: GrpoOptions, settings: PolicySettings): Algorithm =>
  onPolicy(settings, {
    ...options,
    needsCritic: false,
    estimate(observed) {
      const groups = groupsOf(observed.map(({ rollout }) => rollout));
      return everyToken(observed, groupAdvantages(totalRewards(observed), groups, options));
    },
    losses: (minibatch, models) => [clippedSurrogate(minibatch, models, options.clipRange)],
  });

export const grpo = defineAlgorithm({
  options: grpoOptionsSchema,
  continuations: { atLeast: 2, multipleOf: 1 },
  create: createGrpo,
});
