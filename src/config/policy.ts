import { z } from "zod";
import { optimizerSchema } from "./optimizer.js";
import { resetSchema } from "./reset.js";
import { samplingSchema } from "./sampling.js";
import { stageSeed } from "./stage-seed.js";

/** What every way to a policy has. */
const common = {
  sampling: samplingSchema.prefault({}),
  maxKl: z
    .number()
    .positive()
    .default(100)
    .describe("A mean KL to SFT above this, nats a response of training or of a validation, stops the run."),
  optimizer: optimizerSchema.describe("Of the policy."),
  seed: stageSeed,
  checkpointEvery: z.number().int().positive().default(1).describe("Iterations between commits."),
  validation: z
    .strictObject({
      every: z.number().int().positive().default(5).describe("Iterations between short evaluations."),
      rollouts: z.number().int().positive().default(64),
    })
    .prefault({})
    .describe("Short evaluations from the prompt; the checkpoint with the best mean score - klCoef * KL is reported."),
};

/** Algorithm 1, step 3. `algorithm` are the options of each update that is registered. */
const onlineSchema = <Algorithm extends z.ZodType>(algorithm: Algorithm) =>
  z.strictObject({
    kind: z.literal("online").default("online"),
    compat: z
      .enum(["none", "drpo-2024"])
      .default("none")
      .describe("drpo-2024: what the paper's released code does wherever that changes a number."),
    iterations: z.number().int().positive().describe("T of Algorithm 1."),
    rolloutsPerIteration: z.number().int().positive().default(32).describe("N of Algorithm 1."),
    reset: resetSchema.prefault({}),
    algorithm,
    klCoef: z.number().min(0).max(1e4).default(0.05).describe("Weight of ln pi - ln pi_SFT (lambda of the theory)."),
    klPlacement: z
      .enum(["reward", "loss"])
      .default("reward")
      .describe("A penalty in each token's reward, or a term of the loss."),
    klEstimator: z
      .enum(["k1", "k2", "k3"])
      .default("k2")
      .describe("Of the loss term. The gradient of k2 is that of the KL; k3 is GRPO's; that of k1 has mean zero."),
    adaptiveKl: z
      .strictObject({
        target: z.number().min(1e-6).max(1e6).describe("KL to SFT to hold, nats a response."),
        horizon: z.number().min(1).max(1e12).default(10_000).describe("Rollouts over which klCoef adapts."),
      })
      .nullable()
      .default(null)
      .describe("klCoef follows the KL (Ziegler et al. 2019, arXiv 1909.08593, section 2.2)."),
    targetKl: z
      .number()
      .positive()
      .nullable()
      .default(null)
      .describe(
        "No further optimiser step of an iteration once the KL to the policy before it, nats a token, is above.",
      ),
    maxImportanceWeight: z
      .number()
      .positive()
      .max(1e6)
      .nullable()
      .default(null)
      .describe("Weighs tokens by pi_trainer / pi_sampler, at most this; null: the two are taken to agree."),
    lossMean: z
      .enum(["tokens", "responses", "budget"])
      .default("tokens")
      .describe(
        "Policy loss as the mean over tokens of the minibatch, over responses of their means (GRPO), or over responses " +
          "of their sums over the budget (Dr. GRPO: its expectation is the gradient of the return).",
      ),
    stopAtEndOfSequence: z
      .boolean()
      .default(true)
      .describe(
        "A rollout ends at its end-of-sequence token; false: it always has as many tokens as the budget allows.",
      ),
    missingEosScore: z
      .number()
      .min(-1e6)
      .max(1e6)
      .nullable()
      .default(null)
      .describe("Score of a response that does not end by itself; null: as the reward says."),
    endMustPrecedeLast: z
      .boolean()
      .default(false)
      .describe("An end-of-sequence token at the end of the budget counts as missing (the released code)."),
    ...common,
  });

/** Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): no rollouts, pairs of the data. */
const dpoSchema = z.strictObject({
  kind: z.literal("dpo"),
  beta: z.number().min(1e-6).max(1e3).default(0.05).describe("Strength of the KL constraint."),
  labelSmoothing: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe("Share of labels taken to be wrong (conservative DPO)."),
  epochs: z.number().int().positive().default(1),
  batchSize: z.number().int().positive().default(64).describe("Pairs an optimiser step, which is an iteration."),
  maxPairs: z
    .number()
    .int()
    .positive()
    .optional()
    .describe("Train on at most so many pairs an epoch, drawn by the seed."),
  onlyWithinBudget: z
    .boolean()
    .default(false)
    .describe("Only pairs whose responses both end within response.maxTokens."),
  ...common,
});

export const policySchema = <Algorithm extends z.ZodType>(algorithm: Algorithm) =>
  z.discriminatedUnion("kind", [onlineSchema(algorithm), dpoSchema]);

export type DpoOptions = z.infer<typeof dpoSchema>;
type OnlineOptionsOf<Algorithm extends z.ZodType> = z.infer<ReturnType<typeof onlineSchema<Algorithm>>>;
/** @typeParam Options of the algorithm */
export type OnlineOptions<Options extends { readonly kind: string } = { readonly kind: string }> = OnlineOptionsOf<
  z.ZodType<Options>
>;
