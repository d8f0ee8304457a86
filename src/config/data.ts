import { z } from "zod";

const heldOutShare = z
  .number()
  .gt(0)
  .lt(1)
  .default(0.1)
  .describe("Share of responses (rated) or of pairs that no training sees; chosen by a hash of each row's id.");

/** Human preferences, D_R of the paper. */
export const dataSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("rated"),
      path: z.string().min(1).describe("JSONL, one {id, text, rating} a line, relative to the recipe."),
      prompt: z.string().min(1).describe("The prompt that every text answers."),
      heldOutShare,
    })
    .describe("Rated responses to one prompt: any two whose ratings differ are a preference."),
  z
    .strictObject({
      kind: z.literal("pairs"),
      path: z.string().min(1).describe("JSONL, one {prompt, preferred, rejected} a line, relative to the recipe."),
      heldOutShare,
    })
    .describe("Pairs of responses, the preferred one named."),
]);

export type DataOptions = z.infer<typeof dataSchema>;
