import { z } from "zod";
import { optimizerSchema } from "./optimizer.js";
import { stageSeed } from "./stage-seed.js";

/** Where pi_SFT comes from: it is the first policy and the KL reference. */
export const sftSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("train"),
      field: z
        .enum(["reference", "preferred", "any"])
        .default("any")
        .meta({
          description:
            "Which responses: the references that the data names (the preferred ones if it names none), the best-rated, or all. " +
            'Left out: "preferred" where data.kind is "pairs" (unless minRating is given), else "any".',
          default: undefined,
        }),
      minRating: z.number().optional().describe('With field "any": only responses rated above this.'),
      onlyWithinBudget: z
        .boolean()
        .default(false)
        .describe("Only responses that end within response.maxTokens, so that the policy learns to end within it."),
      maxResponses: z.number().int().positive().optional().describe("Train on at most this many, chosen by the seed."),
      epochs: z.number().int().positive().default(1),
      batchSize: z.number().int().positive().default(32).describe("Responses a gradient."),
      optimizer: optimizerSchema,
      seed: stageSeed,
    })
    .describe("Cross-entropy on responses of the data."),
  z.strictObject({ kind: z.literal("base") }).describe("The base as it is (a folder that is already fine-tuned)."),
  z
    .strictObject({
      kind: z.literal("adapter"),
      path: z.string().min(1).describe("PEFT adapter folder, relative to the recipe."),
    })
    .describe("An SFT adapter of yours on the base."),
]);

export type SftOptions = z.infer<typeof sftSchema>;
