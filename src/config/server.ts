import { z } from "zod";
import { dtypeSchema, samplerSettings } from "./samplers.js";

/** What both kinds of server have. */
const shared = {
  silenceTimeoutMs: z
    .number()
    .int()
    .positive()
    .default(120_000)
    .describe("A call that neither progresses nor ends for so long (ms) is given up; duration alone never is."),
  ...samplerSettings,
};

/** Where the model server is. */
export const serverSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("local"),
      python: z
        .string()
        .optional()
        .describe("Python interpreter with drpo_server; default: .venv of the project, then python3."),
      port: z.number().int().min(0).max(65535).default(0).describe("Port on 127.0.0.1; 0: any free one."),
      threads: z.number().int().min(0).default(0).describe("CPU threads of one operator; 0: one for each core."),
      processes: z
        .number()
        .int()
        .min(1)
        .default(1)
        .describe(
          "Processes that train together (torchrun, FSDP2): one for each GPU; each holds its part of all weights.",
        ),
      device: z
        .string()
        .default("cpu")
        .describe("Torch device: cpu, cuda:0; of several processes cuda: each takes the GPU of its own number."),
      dtype: dtypeSchema.default("float32"),
      tokenBudget: z.number().int().positive().default(2048).describe("Most tokens of one micro-batch."),
      activationCheckpointing: z
        .boolean()
        .default(false)
        .describe("Blocks are computed again in the backward pass: less memory, about a third more time."),
      startTimeoutMs: z
        .number()
        .int()
        .positive()
        .default(120_000)
        .describe("How long the server may take until it serves (ms)."),
      ...shared,
    })
    .describe("Started and stopped with the run."),
  z
    .strictObject({
      kind: z.literal("remote"),
      address: z
        .string()
        .min(1)
        .describe("host:port of a server that runs already; its token is read from DRPO_SERVER_TOKEN."),
      tlsCa: z
        .string()
        .optional()
        .describe("File with the certificate authority to trust (PEM); needed beyond loopback."),
      ...shared,
    })
    .describe("A server that runs already (`drpo serve`, a container)."),
]);

export type ServerOptions = z.infer<typeof serverSchema>;
