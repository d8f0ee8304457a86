import {
  isRewardModel,
  type RegisteredReward,
  type RewardModelOptions,
  type RewardOptions,
  type SingleReward,
} from "./reward.js";

/** A part of the score, with its place in the recipe: "reward", or "reward.terms[1].reward" in a sum. */
export interface RewardTerm<Registered extends RegisteredReward = RegisteredReward> {
  readonly key: string;
  readonly weight: number;
  readonly reward: SingleReward<Registered>;
}

/** What is summed; a reward that is no sum is its own only term, of weight 1. */
export const rewardTerms = <Registered extends RegisteredReward>(
  reward: RewardOptions<Registered>,
): readonly RewardTerm<Registered>[] =>
  "terms" in reward
    ? reward.terms.map((term, i) => ({ key: `reward.terms[${i}].reward`, ...term }))
    : [{ key: "reward", weight: 1, reward }];

/** The reward model among the terms, if there is one, and its place in the recipe. */
export function rewardModelTerm(
  reward: RewardOptions,
): { readonly key: string; readonly reward: RewardModelOptions } | null {
  const models = rewardTerms(reward).flatMap(({ key, reward }) => (isRewardModel(reward) ? [{ key, reward }] : []));
  return models[0] ?? null;
}
