import { z } from "zod";

/** Options of the logger that a recipe calls `{ "kind": "wandb" }`. There is no key among them: the SDK knows it. */
export const wandbLoggerOptions = z
  .strictObject({
    kind: z.literal("wandb"),
    project: z.string().min(1),
    entity: z.string().min(1).optional().describe("User or team. Left out: the one that the API key is of."),
    group: z.string().min(1).optional().describe("Runs that belong together, a sweep's for example."),
    tags: z.array(z.string().min(1)).default([]),
    mode: z
      .enum(["online", "offline"])
      .default("online")
      .describe("offline keeps the run in files, for `wandb sync` to send later."),
    directory: z
      .string()
      .min(1)
      .optional()
      .describe("Folder in which the SDK makes its folder wandb/. Left out: the run directory."),
  })
  .describe("Weights & Biases, by their Python SDK. The API key: WANDB_API_KEY, or `wandb login`.");

export type WandbLoggerOptions = z.infer<typeof wandbLoggerOptions>;
