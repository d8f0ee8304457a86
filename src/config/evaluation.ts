import { z } from "zod";
import { dataSchema } from "./data.js";
import type { RewardModelRecipe } from "./reward.js";

/** What a recipe knows of a judge whose options an adapter brings. */
export interface RegisteredJudge {
  readonly kind: string;
  /** File of its question, if it is asked in words of one's own. */
  readonly template?: string | undefined;
  /** If it is a reward model. */
  readonly reward?: RewardModelRecipe | undefined;
}

/** The final evaluation: always from the prompt, SFT and policy with the same noise. */
export const evaluationSchema = <Judge extends z.ZodType>(judge: Judge) =>
  z.strictObject({
    data: dataSchema
      .optional()
      .describe(
        "Another dataset, whose held-out prompts and preferences are evaluated on: zero-shot. Left out: the run's own data.",
      ),
    rollouts: z.number().int().min(2).default(256).describe("Responses of each model."),
    temperature: z
      .number()
      .positive()
      .default(1)
      .describe("Of the responses. KL to SFT is at the same: below 1 that of sharpened policies, which is larger."),
    heldOutResponses: z
      .number()
      .int()
      .min(2)
      .default(256)
      .describe("Held-out responses whose pairs measure the reward model's accuracy; at most."),
    bootstrapResamples: z.number().int().min(100).default(2000).describe("Resamples of each 95 % interval."),
    examples: z.number().int().min(0).default(5).describe("Pairs of responses shown at the end."),
    judges: z
      .array(judge)
      .default([])
      .describe("Who says which of two responses is better; the first one's verdict is the headline."),
    against: z
      .array(z.enum(["sft", "reference"]))
      .min(1)
      .default(["sft"])
      .describe(
        'Whom judges compare the policy with: "sft", its responses under the same noise; "reference", a person\'s response ' +
          "to the same prompt, with which SFT is compared, too.",
      ),
  });
