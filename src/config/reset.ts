import { z } from "zod";

/** A ResetSpec: which states s_h rollouts start from. DR-PO is proportion 1, PPO is proportion 0. */
export const resetSchema = z.strictObject({
  source: z
    .strictObject({
      kind: z.literal("dataset").default("dataset"),
      minRating: z
        .number()
        .optional()
        .describe("Only responses rated above this; left out: the best-rated of each group."),
    })
    .prefault({})
    .describe("Where prefixes are cut from: responses of the training split (D_TR)."),
  selector: z
    .strictObject({
      kind: z.literal("uniform").default("uniform"),
      law: z
        .enum(["released", "theory"])
        .default("released")
        .describe(
          "Prefix length uniform on 1..len-1 (the released code) or 0..len-1 (the paper: the prompt is one of the states).",
        ),
    })
    .prefault({})
    .describe("Where a response is cut."),
  proportion: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of rollouts that start from a reset (the paper's beta)."),
  continuations: z.number().int().positive().default(1).describe("Rollouts from each reset point."),
  prefixCountsInBudget: z.boolean().default(true).describe("The prefix uses up the response budget."),
});

export type ResetSpec = z.infer<typeof resetSchema>;
