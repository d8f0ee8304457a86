import { z } from "zod";

/** "https://...", "s3://...", "hf:...": of what has a scheme, only the bases of a testbed are known. */
const ADDRESS = /^(?!testbed:)([a-z][a-z0-9+.-]*:\/\/|(hf|huggingface|hub|modelscope|ollama|s3|gs|az|file|https?):)/i;

/** The base and the shape of what is trained on it. */
export const modelSchema = z.strictObject({
  base: z
    .string()
    .min(1)
    .refine((base) => !ADDRESS.test(base), {
      error: "only folders are read: download the model, and name its folder, relative to the recipe",
    })
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
