import { z } from "zod";
import { dataSchema } from "./data.js";
import { evaluationSchema, type RegisteredJudge } from "./evaluation.js";
import { type LoggerKind, loggersSchema, type RegisteredLogger } from "./loggers.js";
import { modelSchema } from "./model.js";
import { policySchema } from "./policy.js";
import { rewardSchema, type RewardKind, type RewardOptions } from "./reward.js";
import { serverSchema } from "./server.js";
import { sftSchema } from "./sft.js";

/**
 * The whole of a run, every default written out. Algorithms, judges and rewards bring their own options: `commands/` passes
 * in the schemas of those that it registers, told apart by `kind`: a union of algorithms, one of judges, lists of rewards
 * and of loggers.
 */
export const recipeSchema = <
  Algorithm extends z.ZodType,
  Judge extends z.ZodType,
  const Rewards extends readonly RewardKind[],
  const Loggers extends readonly [LoggerKind, ...LoggerKind[]],
>(registered: {
  readonly algorithm: Algorithm;
  readonly judge: Judge;
  readonly rewards: Rewards;
  readonly loggers: Loggers;
}) =>
  z.strictObject({
    $schema: z.string().optional(),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]*$/, "must be lower-case letters, digits, '.' and '-'")
      .describe("Names the run directory."),
    seed: z.number().int().min(0).default(1).describe("Everything random is drawn from it and from a position."),
    server: serverSchema.prefault({ kind: "local" }),
    model: modelSchema,
    data: dataSchema,
    response: z.strictObject({
      maxTokens: z.number().int().min(2).describe("H: the budget of a response, tokens."),
    }),
    sft: sftSchema,
    reward: rewardSchema(registered.rewards),
    policy: policySchema(registered.algorithm),
    evaluation: evaluationSchema(registered.judge),
    loggers: loggersSchema(registered.loggers),
  });

/** What an algorithm sees of its own options before its schema has given them a type. */
export interface RegisteredOptions {
  readonly kind: string;
}

type RecipeOfModelsOnly = z.infer<
  ReturnType<
    typeof recipeSchema<z.ZodType<RegisteredOptions>, z.ZodType<RegisteredJudge>, readonly [], readonly [LoggerKind]>
  >
>;

export interface Recipe extends Omit<RecipeOfModelsOnly, "reward" | "loggers"> {
  readonly reward: RewardOptions;
  readonly loggers: readonly RegisteredLogger[];
}
