import type { TrainedRewardOptions } from "../config/reward.js";
import type { TokenizedGroup, TokenizedResponse } from "../domain/tokenized-dataset.js";
import type { RewardTemplate } from "../drpo/reward-template.js";
import { BadInputError } from "../errors.js";
import { Random } from "../math/random.js";
import { seedAt } from "../math/seeds.js";
import { chunks, type GradientBatch } from "./gradient-batches.js";

/**
 * Ranked groups: every two responses of a group whose ratings differ are a comparison, and a batch's loss is the mean
 * over its comparisons. Some groups are cut to the response budget, as sampled responses are: a model that has seen
 * whole responses only scores a cut one far out of its range.
 */
export function rewardBatches(
  groups: readonly TokenizedGroup[],
  options: Omit<TrainedRewardOptions, "normalise" | "scaleRollouts">,
  {
    template,
    seed,
    maxTokens,
  }: { readonly template: RewardTemplate; readonly seed: number; readonly maxTokens: number },
): GradientBatch[] {
  const random = new Random(seedAt(seed, "reward-order", 0));
  const maxResponses = options.maxResponses ?? Infinity;
  const chosen = takeGroups(random.shuffled(groups), maxResponses).map(({ responses }) =>
    random.shuffled(responses).slice(0, maxResponses),
  );
  const batches: GradientBatch[] = [];
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const ranked = chosen
      .flatMap((responses) => chunks(random.shuffled(responses), options.groupSize))
      .filter((group) => countComparisons(group) > 0);
    for (const batch of chunks(random.shuffled(ranked), options.groupsPerBatch)) {
      const comparisons = batch.reduce((sum, group) => sum + countComparisons(group), 0);
      const rows = batch.flatMap((group) => {
        const budget = random.bernoulli(options.cutShare) ? maxTokens : Infinity;
        return group.map(({ prompt, response }) => template(prompt, response.slice(0, budget)));
      });
      batches.push({
        rows: rows.map((tokens) => ({ tokens, spanStart: 1, spanLength: 0 })),
        loss: {
          kind: "rankedGroup",
          groupSizes: batch.map((group) => group.length),
          ratings: batch.flatMap((group) => group.map(({ rating }) => rating)),
          weights: batch.map(() => 1 / comparisons),
        },
      });
    }
  }
  if (batches.length === 0) {
    throw new BadInputError(
      "No two responses to the same prompt differ in their rating: a reward model has nothing to learn.",
    );
  }
  return batches;
}

/** The first groups that together hold `maxResponses` responses. */
function takeGroups<T extends { readonly responses: readonly unknown[] }>(
  groups: readonly T[],
  maxResponses: number,
): T[] {
  let taken = 0;
  return groups.filter(({ responses }) => {
    const wanted = taken < maxResponses;
    taken += responses.length;
    return wanted;
  });
}

function countComparisons(group: readonly TokenizedResponse[]): number {
  let comparisons = 0;
  for (const [i, { rating }] of group.entries()) {
    for (const other of group.slice(i + 1)) if (other.rating !== rating) comparisons++;
  }
  return comparisons;
}
