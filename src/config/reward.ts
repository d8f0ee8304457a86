import { z } from "zod";
import { optimizerSchema } from "./optimizer.js";
import { stageSeed } from "./stage-seed.js";

const template = z
  .string()
  .default("{prompt}{response}")
  .refine((text) => text.split("{response}").length === 2, "must contain {response} exactly once")
  .describe("What the reward model reads; the score is the scalar at the last token. {prompt} may be left out.");

const scale = {
  scaleRollouts: z
    .number()
    .int()
    .min(2)
    .default(128)
    .describe("Samples of the SFT policy whose mean and standard deviation normalise scores."),
};

/** Where the reward model r comes from. */
export const rewardSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("train"),
      template,
      ...scale,
      maxResponses: z.number().int().positive().optional().describe("Train on at most so many, chosen by the seed."),
      groupSize: z
        .number()
        .int()
        .min(2)
        .default(16)
        .describe("Responses ranked against each other: up to n(n-1)/2 comparisons."),
      groupsPerBatch: z.number().int().positive().default(1).describe("Groups a gradient."),
      cutShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe("Share of groups whose responses are cut to the response budget, as sampled ones are."),
      epochs: z.number().int().positive().default(1),
      optimizer: optimizerSchema,
      seed: stageSeed,
    })
    .describe("Bradley-Terry over all pairs of ranked groups."),
  z
    .strictObject({
      kind: z.literal("adapter"),
      path: z.string().min(1).describe("PEFT adapter folder with a scalar head, relative to the recipe."),
      template,
      ...scale,
    })
    .describe("One's own reward adapter on the base."),
  z
    .strictObject({
      kind: z.literal("folder"),
      path: z.string().min(1).describe("Hugging Face sequence classifier with one label, of the base's tokenizer."),
      template,
      ...scale,
    })
    .describe("One's own reward model."),
]);

export type RewardOptions = z.infer<typeof rewardSchema>;
