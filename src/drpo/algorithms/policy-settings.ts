import type { OnlineOptions } from "../../config/policy.js";
import type { LossOnPrefix } from "../../config/reset.js";

/** What every update is given of the policy's section of a recipe, beside its own options. */
export interface PolicySettings extends Pick<
  OnlineOptions,
  "klPlacement" | "klEstimator" | "targetKl" | "maxImportanceWeight" | "lossMean" | "optimizer"
> {
  readonly lossOnPrefix: LossOnPrefix;
}
