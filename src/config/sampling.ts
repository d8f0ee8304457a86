import { z } from "zod";

/** How a next token is drawn. */
export const samplingSchema = z.strictObject({
  temperature: z
    .number()
    .min(1e-4)
    .max(1e4)
    .default(1)
    .describe("Divides the logits; log-probs are taken at the same."),
  topP: z.number().gt(0).max(1).default(1).describe("From the smallest set of tokens with this probability; 1: all."),
  topK: z.number().int().min(0).default(0).describe("From so many likeliest tokens; 0: all."),
});
