import { z } from "zod";

export const dtypeSchema = z.enum(["float32", "bfloat16", "float64"]).describe("Type of the weights.");

/** Where rollouts are sampled, if not by the trainer itself. */
export const samplerSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("local"),
      engine: z
        .enum(["torch", "vllm"])
        .default("torch")
        .describe("torch: the trainer's own sampler; vllm: needs an interpreter of its own (./scripts/setup-vllm)."),
      count: z.number().int().positive().default(1).describe("Processes to start."),
      python: z
        .string()
        .optional()
        .describe(
          "Interpreter; default: the trainer's, and for vllm DRPO_VLLM_PYTHON, then .venv-vllm of the project.",
        ),
      threads: z.number().int().min(0).default(0).describe("CPU threads of one process; 0: one for each core."),
      device: z.string().default("cpu").describe("Torch device: cpu, cuda:1."),
      dtype: dtypeSchema.default("float32"),
      engineOptions: z
        .record(z.string(), z.json())
        .default({})
        .describe("Settings of vLLM, passed through: tensor_parallel_size, distributed_executor_backend, ..."),
    })
    .describe("Started and stopped with the run, on this machine."),
  z
    .strictObject({
      kind: z.literal("remote"),
      address: z
        .string()
        .min(1)
        .describe("host:port of a sampler that runs already; its token is read from DRPO_SERVER_TOKEN."),
      tlsCa: z
        .string()
        .optional()
        .describe("File with the certificate authority to trust (PEM); needed beyond loopback."),
    })
    .describe("A sampler that runs already (drpo serve --weights-from)."),
]);

export type SamplerOptions = z.infer<typeof samplerSchema>;

/** What both kinds of server say of samplers. */
export const samplerSettings = {
  samplers: z.array(samplerSchema).default([]).describe("Who samples rollouts; empty: the trainer itself."),
  samplerRows: z
    .number()
    .int()
    .positive()
    .default(32)
    .describe(
      "Most rollouts of a sub-batch: what one sampler is given at a time. Sub-batches do not depend on who samples.",
    ),
  overlap: z
    .boolean()
    .default(false)
    .describe("Score sub-batches that are finished while others are still being sampled."),
  probeTolerance: z
    .number()
    .positive()
    .default(0.001)
    .describe(
      "Mean difference of a sampler's and the trainer's log-probabilities of a fixed text above which the run stops, nats a token. " +
        "0.001 suits float32; where one of them computes in bfloat16, 0.05.",
    ),
};
