import { isRewardModel } from "./reward.js";
import type { Recipe } from "./recipe.js";
import { rewardTerms } from "./reward-terms.js";

/** A line for each reward that does not go with another, or with the shape of the models. */
export function rewardConflicts({ model, reward }: Pick<Recipe, "model" | "reward">): readonly string[] {
  // One critic starts from one reward model, and one is what accuracy and export are about.
  const [first, ...others] = rewardTerms(reward).filter((term) => isRewardModel(term.reward));
  const lines = others.map(
    ({ key, reward: { kind } }) =>
      `${key}.kind is "${kind}", but ${first?.key} is a reward model already: a sum can have one`,
  );
  if (first?.reward.kind === "adapter" && model.shape.kind === "full") {
    lines.push(`${first.key}.kind is "adapter", but model.shape.kind is "full": an adapter needs "lora"`);
  }
  return lines;
}
