import { z } from "zod";
import { rewardJudgeOptions } from "../config/reward-judge.js";
import { recipeSchema } from "../config/recipe.js";
import type { Algorithm } from "../drpo/algorithms/algorithm.js";
import { lexiconJudgeOptions } from "../judge/lexicon-judge.js";
import { openaiJudgeOptions } from "../judge/openai-judge-options.js";
import { tensorboardLoggerOptions } from "../loggers/tensorboard-logger.js";
import { wandbLoggerOptions } from "../loggers/wandb-options.js";
import { functionRewardOptions } from "../rewards/function-reward.js";
import { httpRewardOptions } from "../rewards/http-reward-options.js";
import { ALGORITHMS, algorithmRegistry } from "./algorithm-registry.js";

const algorithms = algorithmRegistry(ALGORITHMS);

/** Options of every judge that there is. */
export const judgeSchema = z
  .discriminatedUnion("kind", [lexiconJudgeOptions, openaiJudgeOptions, rewardJudgeOptions])
  .describe("Who says which of two responses is better.");

export type JudgeOptions = z.output<typeof judgeSchema>;

/** The schema of a recipe with every algorithm, judge, reward and logger that there is. */
export const registeredRecipeSchema = recipeSchema({
  algorithm: algorithms.schema,
  judge: judgeSchema,
  rewards: [functionRewardOptions, httpRewardOptions],
  loggers: [tensorboardLoggerOptions, wandbLoggerOptions],
}).superRefine(({ policy }, context) => {
  if (policy.kind !== "online") return;
  for (const { path, message } of algorithms.conflicts(policy))
    context.addIssue({ code: "custom", path: ["policy", ...path], message });
});

/** A recipe whose algorithm, judge and rewards are known ones. */
export type RegisteredRecipe = z.output<typeof registeredRecipeSchema>;

/** The update of an online policy; null for one that is trained offline. */
export const createAlgorithm = ({ policy }: RegisteredRecipe): Algorithm | null =>
  policy.kind === "online" ? algorithms.create(policy) : null;
