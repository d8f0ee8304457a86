import { z } from "zod";
import { optimizerSchema } from "./optimizer.js";
import { resetSchema } from "./reset.js";
import { stageSeed } from "./stage-seed.js";

export const samplingSchema = z.strictObject({
  temperature: z.number().positive().default(1),
  topP: z.number().gt(0).max(1).default(1),
  topK: z.number().int().min(0).default(0),
});

/** Algorithm 1, step 3. `algorithms` are the options of each update that is registered. */
export const policySchema = <Algorithm extends z.ZodType>(algorithm: Algorithm) =>
  z.strictObject({
    iterations: z.number().int().positive().describe("T of Algorithm 1."),
    rolloutsPerIteration: z.number().int().positive().default(32).describe("N of Algorithm 1."),
    reset: resetSchema.prefault({}),
    sampling: samplingSchema.prefault({}),
    algorithm,
    klCoef: z.number().min(0).default(0.05).describe("Penalty on ln pi - ln pi_SFT for each token."),
    missingEosScore: z
      .number()
      .nullable()
      .default(null)
      .describe("Score of a response that does not end by itself; null: as the reward model says."),
    maxKl: z.number().positive().default(100).describe("A mean KL to SFT above this (nats a response) stops the run."),
    optimizer: optimizerSchema.describe("Of the policy."),
    seed: stageSeed,
    checkpointEvery: z.number().int().positive().default(1).describe("Iterations between commits."),
    validation: z
      .strictObject({
        every: z.number().int().positive().default(5).describe("Iterations between short evaluations."),
        rollouts: z.number().int().positive().default(64),
      })
      .prefault({})
      .describe(
        "Short evaluations from the prompt; the checkpoint with the best mean score - klCoef * KL is reported.",
      ),
  });
