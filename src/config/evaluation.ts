import { z } from "zod";

/** The final evaluation: always from the prompt, SFT and policy with the same noise. */
export const evaluationSchema = <Judge extends z.ZodType>(judge: Judge) =>
  z.strictObject({
    rollouts: z.number().int().min(2).default(256).describe("Responses of each model."),
    heldOutResponses: z
      .number()
      .int()
      .min(2)
      .default(256)
      .describe("Held-out responses whose pairs measure the reward model's accuracy; at most."),
    bootstrapResamples: z.number().int().min(100).default(2000).describe("Resamples of each 95 % interval."),
    examples: z.number().int().min(0).default(5).describe("Pairs of responses shown at the end."),
    judge,
  });
