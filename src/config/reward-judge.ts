import { z } from "zod";
import { rewardModelRecipe } from "./reward.js";

/** Options of the judge that a recipe calls `{ "kind": "rewardModel" }`. */
export const rewardJudgeOptions = z
  .strictObject({
    kind: z.literal("rewardModel"),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]*$/, "must be lower-case letters, digits, '.' and '-'")
      .default("held-out-reward-model")
      .describe("What reports call it."),
    reward: rewardModelRecipe.describe(
      "One's own, or \"train\": learnt from the held-out responses alone, so that it shares no data with the run's reward model.",
    ),
  })
  .describe("A second reward model: the response that it scores higher is better.");

export type RewardJudgeOptions = z.infer<typeof rewardJudgeOptions>;
