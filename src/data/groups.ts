import type { PreferenceGroup } from "../domain/preference-dataset.js";
import type { Split } from "./split-train-held-out.js";

/** What a kind of data gives for a dataset. */
export interface Groups extends Split<PreferenceGroup> {
  readonly skippedRows: number;
  /** Some rows have an id that would decide their side under `splitBy: "id"`. */
  readonly idsDecide: boolean;
}
