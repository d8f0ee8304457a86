import { z } from "zod";
import { samplingSchema } from "./sampling.js";

const path = (what: string) => z.string().min(1).describe(`${what}, relative to the recipe.`);

/** Who writes the responses of a live source. */
const writerSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("reference") }).describe("The frozen SFT policy: PPO++ (arXiv 2306.11816)."),
  z.strictObject({ kind: z.literal("policy") }).describe("The policy itself, as it is at the iteration."),
  z.strictObject({ kind: z.literal("adapter"), path: path("PEFT adapter folder") }).describe("A guide on the base."),
  z
    .strictObject({ kind: z.literal("folder"), path: path("Hugging Face folder with the base's tokenizer") })
    .describe("A guide of its own."),
]);

/** Where prefixes are cut from. */
const sourceSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("dataset").default("dataset"),
      field: z
        .enum(["reference", "preferred", "any"])
        .default("reference")
        .describe(
          "Which responses of the training split: the references that the data names (the preferred ones if it names " +
            "none), the best-rated of each group, or any.",
        ),
      minRating: z.number().optional().describe('With field "any": only responses rated above this.'),
      splitOverIterations: z
        .boolean()
        .default(false)
        .describe("D_TR is split into T equal parts, one an iteration (Algorithm 2)."),
    })
    .describe("Responses of the data: D_TR of Algorithm 1."),
  z
    .strictObject({
      kind: z.literal("ownRollouts"),
      iterations: z.number().int().positive().default(1).describe("Rollouts of the last so many iterations."),
      minScore: z.number().optional().describe("Only rollouts with a score above this."),
    })
    .describe("What the policy wrote in earlier iterations; the first iteration starts at the prompt."),
  z
    .strictObject({
      kind: z.literal("livePolicy"),
      writer: writerSchema.prefault({ kind: "reference" }),
      sampling: samplingSchema.prefault({}).describe("How the writer samples."),
    })
    .describe("Responses that another policy writes for the purpose, when the reset is drawn."),
  z
    .strictObject({ kind: z.literal("pool"), path: path("JSON or Parquet file of the pool") })
    .describe("Responses in token ids or text that were written before: see ResetPoolRow."),
]);

/** Where a response is cut. len is the response's length in tokens, within the budget. */
const selectorSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("uniform").default("uniform"),
      law: z
        .enum(["released", "theory"])
        .default("released")
        .describe(
          "Prefix length uniform on 1..len-1 (the released code) or 0..len-1 (the paper: the prompt is one of the states).",
        ),
    })
    .describe("At any token."),
  z
    .strictObject({
      kind: z.literal("scheduledFraction"),
      start: z.number().min(0).max(1).default(1).describe("Share of the response given in the first iteration."),
      end: z.number().min(0).max(1).default(0).describe("Share given from overShare of the iterations on."),
      overShare: z.number().gt(0).max(1).default(1).describe("Share of the iterations over which the cut slides."),
    })
    .describe("The cut slides linearly from the end to the start: R3 (arXiv 2402.05808)."),
  z
    .strictObject({
      kind: z.literal("adaptiveFraction"),
      scoreThreshold: z.number().describe("A mean score of at least this counts as solved from there."),
    })
    .describe("A fraction for each example, adapted from its past scores: AdaBack (arXiv 2506.18110)."),
  z
    .strictObject({
      kind: z.literal("steps"),
      delimiter: z.string().min(1).default("\n").describe("Ends a step; the cut is right after one."),
    })
    .describe("After a step of the response, each as likely as the others, or at the prompt."),
  z
    .strictObject({
      kind: z.literal("function"),
      module: path("TypeScript or JavaScript module"),
      export: z.string().min(1).default("default").describe("Name of the function in it: see CutFunction."),
    })
    .describe("Where a user's function says."),
  z.strictObject({ kind: z.literal("whole") }).describe("Nowhere: all of a pool's row is the prefix."),
]);

const coefficient = z.number().positive().max(1e4).default(1).describe("Weight of the prefix's loss.");

/** Which states of which responses rollouts start from. DR-PO is proportion 1, PPO is proportion 0. */
export const resetSchema = z.strictObject({
  source: sourceSchema.prefault({ kind: "dataset" }).describe("Where prefixes are cut from."),
  selector: selectorSchema.prefault({ kind: "uniform" }).describe("Where a response is cut."),
  proportion: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of rollouts that start from a reset (the paper's beta)."),
  condition: z
    .strictObject({
      rollouts: z.number().int().describe("The policy's own rollouts from the prompt that decide it."),
      scoreBelow: z.number().describe("Reset only where their mean score is below this."),
    })
    .nullable()
    .default(null)
    .describe("Resets only for prompts where the policy's own rollouts fall short: BREAD (arXiv 2506.17211)."),
  continuations: z
    .number()
    .int()
    .positive()
    .default(1)
    .describe("Rollouts from each reset point: the groups of RLOO, GRPO, REBEL and NPG."),
  lossOnPrefix: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("none") }),
      z
        .strictObject({ kind: z.literal("policyGradient"), coefficient })
        .describe("The policy's own loss, as if it had written the prefix."),
      z.strictObject({ kind: z.literal("crossEntropy"), coefficient }).describe("- mean ln pi over the prefixes."),
    ])
    .prefault({ kind: "none" })
    .describe("What is learnt from the prefix itself: Prefix-RFT (arXiv 2507.01679)."),
  prefixCountsInBudget: z.boolean().default(true).describe("The prefix uses up the response budget."),
  endOfSequenceCounts: z
    .boolean()
    .default(true)
    .describe(
      "len counts the response's end-of-sequence token, so that all its text can be given (the released code).",
    ),
});

export type ResetSpec = z.infer<typeof resetSchema>;
export type ResetSourceOptions = ResetSpec["source"];
export type ResetSelectorOptions = ResetSpec["selector"];
export type LossOnPrefix = ResetSpec["lossOnPrefix"];
