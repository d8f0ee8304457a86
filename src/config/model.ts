import { z } from "zod";

/** The base and the shape of what is trained on it. */
export const modelSchema = z.strictObject({
  base: z
    .string()
    .min(1)
    .describe("Folder of the base in Hugging Face layout, relative to the recipe; on the server's disk."),
  shape: z
    .discriminatedUnion("kind", [
      z.strictObject({
        kind: z.literal("lora"),
        rank: z.number().int().positive().default(16),
        alpha: z.number().min(1e-6).max(1e6).default(32).describe("Updates are scaled by alpha / rank."),
        targetModules: z.array(z.string()).default([]).describe("Linear layers of a block; empty: all of them."),
        lastBlocks: z.number().int().min(0).default(0).describe("Adapt the last so many blocks; 0: all."),
      }),
      z.strictObject({ kind: z.literal("full") }),
    ])
    .prefault({ kind: "lora" }),
});
