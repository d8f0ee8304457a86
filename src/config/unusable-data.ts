import type { PreferenceDataset } from "../domain/preference-dataset.js";
import { pathsOf } from "./data.js";
import type { Recipe } from "./recipe.js";

/** A line for each part of the recipe that finds nothing to work on in this data; before anything is trained. */
export function unusableData({ data, sft, policy }: Recipe, dataset: PreferenceDataset): readonly string[] {
  const ratings = dataset.train.flatMap(({ responses }) => responses.map(({ rating }) => rating));
  const highest = ratings.reduce((a, b) => Math.max(a, b), -Infinity);
  const thresholds = {
    "sft.minRating": sft.kind === "train" ? sft.minRating : undefined,
    "policy.reset.source.minRating":
      policy.kind === "online" && policy.reset.source.kind === "dataset" ? policy.reset.source.minRating : undefined,
  };
  return Object.entries(thresholds).flatMap(([key, threshold]) =>
    threshold !== undefined && highest <= threshold
      ? [
          `${key} is ${threshold}, but no response of ${pathsOf(data.path).join(", ")} is rated above it (the highest rating is ${highest}); lower it`,
        ]
      : [],
  );
}
