import { z } from "zod";
import { leaveOneOutAdvantages } from "../../math/group-baselines.js";
import { groupsOf } from "../training-rows.js";
import type { Algorithm } from "./algorithm.js";
import { everyToken, policyGradientLoss, totalRewards } from "./losses.js";
import { defineAlgorithm } from "./define-algorithm.js";
import { onPolicy } from "./on-policy.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * REINFORCE with a leave-one-out baseline (Kool et al. 2019; Ahmadian et al. 2024, arXiv 2402.14740): the advantage of a
 * rollout is its KL-shaped return less the mean of the other continuations of its prefix. No critic, one pass.
 *
 * Differences from the paper: (1) the group shares a reset prefix, not only a prompt; (2) with lossMean = "tokens" the
 * loss is a mean over tokens; "budget" gives the paper's sum over a response, over the budget.
 */
export const rlooOptionsSchema = z.strictObject({
  kind: z.literal("rloo"),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of the pass; groups are never cut."),
});

export type RlooOptions = z.infer<typeof rlooOptionsSchema>;

export const createRloo = (options: RlooOptions, settings: PolicySettings): Algorithm =>
  onPolicy(settings, {
    ...options,
    needsCritic: false,
    epochs: 1,
    estimate(observed) {
      const groups = groupsOf(observed.map(({ rollout }) => rollout));
      return everyToken(observed, leaveOneOutAdvantages(totalRewards(observed), groups));
    },
    losses: (minibatch, models) => [policyGradientLoss(minibatch, models)],
  });

export const rloo = defineAlgorithm({
  options: rlooOptionsSchema,
  continuations: { atLeast: 2, multipleOf: 1 },
  create: createRloo,
});
