import { z } from "zod";
import type { Experience } from "../../domain/experience.js";
import { groupsOf } from "../training-rows.js";
import type { Algorithm } from "./algorithm.js";
import { everyToken, type LossModels, totalRewards } from "./losses.js";
import type { Minibatch, NamedLoss } from "./minibatch.js";
import { defineAlgorithm } from "./define-algorithm.js";
import { onPolicy } from "./on-policy.js";
import type { PolicySettings } from "./policy-settings.js";

/**
 * REBEL (Gao et al. 2024, arXiv 2404.16767, Algorithm 1): regression of the difference of two log-ratios to the
 * difference of their returns. For each pair of continuations y, y' of one prefix, the mean of
 *   ( 1/eta [ln pi(y)/pi_t(y) - ln pi(y')/pi_t(y')] - [R(y) - R(y')] )^2.
 *
 * Differences from the paper: (1) the pair shares a reset prefix, not only a prompt; (2) R is KL-shaped where the KL is
 * a penalty; (3) a group of 2n continuations gives n pairs, neighbours.
 */
export const rebelOptionsSchema = z.strictObject({
  kind: z.literal("rebel"),
  eta: z.number().positive().max(1e6).default(1).describe("Step size: how far log-ratios move for a unit of return."),
  epochs: z.number().int().positive().default(4).describe("Passes over each batch."),
  minibatches: z.number().int().positive().default(1).describe("Optimiser steps of each pass; pairs are never cut."),
});

export type RebelOptions = z.infer<typeof rebelOptionsSchema>;

export const createRebel = (options: RebelOptions, settings: PolicySettings): Algorithm =>
  onPolicy(settings, {
    ...options,
    needsCritic: false,
    // The return of the rollout: the loss takes differences.
    estimate: (observed) => everyToken(observed, totalRewards(observed)),
    losses: (minibatch, models) => [rebelLoss(minibatch, models, options.eta)],
  });

function rebelLoss({ experience }: Minibatch, { policy, temperature }: LossModels, eta: number): NamedLoss {
  const pairs = groupsOf(experience.map(({ rollout }) => rollout)).flatMap(neighbours);
  const returnOf = (row: number) => (experience[row] as Experience).advantages[0]!;
  return {
    name: "policyLoss",
    model: policy,
    temperature,
    loss: {
      kind: "logRatioDifference",
      baseLogprobs: experience.flatMap((one) => one.oldLogprobs),
      firstRows: pairs.map(([first]) => first),
      secondRows: pairs.map(([, second]) => second),
      targets: pairs.map(([first, second]) => eta * (returnOf(first) - returnOf(second))),
      weights: pairs.map(() => 2 / (eta ** 2 * pairs.length)),
    },
  };
}

/** 0 and 1, 2 and 3, ... */
const neighbours = (group: readonly number[]): [number, number][] =>
  Array.from({ length: Math.floor(group.length / 2) }, (_, pair) => [group[2 * pair]!, group[2 * pair + 1]!]);

export const rebel = defineAlgorithm({
  options: rebelOptionsSchema,
  continuations: { atLeast: 2, multipleOf: 2 },
  isTokenwise: false,
  create: createRebel,
});
