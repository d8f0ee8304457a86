/**
 * The public library: to run recipes from a program, to write algorithms, judges and adapters of one's own, and to read
 * runs. Whatever is not exported here may change in any version.
 */
export { loadRecipe, resolveRecipe, type RecipeOverrides } from "./config/load-recipe.js";
export { recipeSchema, type Recipe } from "./config/recipe.js";
export { recipeJsonSchema } from "./config/recipe-json-schema.js";

export type * from "./domain/evaluation.js";
export type * from "./domain/experience.js";
export type * from "./domain/model.js";
export type * from "./domain/preference-dataset.js";
export { responseTokens, rowTokens } from "./domain/rollout.js";
export type * from "./domain/rollout.js";
export type * from "./domain/token-ids.js";

export * from "./errors.js";

export type * from "./ports/answer-cache.js";
export type * from "./ports/call-options.js";
export type * from "./ports/clock.js";
export type * from "./ports/judge.js";
export type * from "./ports/model-server.js";
export type * from "./ports/model-store.js";
export type * from "./ports/progress.js";
export type * from "./ports/reward-function.js";
export type * from "./ports/reward-model.js";
export type * from "./ports/run-directory.js";
export type * from "./ports/sampler.js";
export type * from "./ports/stage-cache.js";
export type * from "./ports/stored-files.js";
export type * from "./ports/tokenizer.js";
export type * from "./ports/trainer.js";

export type * from "./drpo/algorithms/algorithm.js";
export { defineAlgorithm, type AlgorithmDefinition } from "./drpo/algorithms/define-algorithm.js";
export { grpo } from "./drpo/algorithms/grpo.js";
export type * from "./drpo/algorithms/minibatch.js";
export { npg } from "./drpo/algorithms/npg.js";
export { onPolicy, type OnPolicyMethod } from "./drpo/algorithms/on-policy.js";
export { policyGradient } from "./drpo/algorithms/policy-gradient.js";
export type { PolicySettings } from "./drpo/algorithms/policy-settings.js";
export { ppo } from "./drpo/algorithms/ppo.js";
export { rebel } from "./drpo/algorithms/rebel.js";
export { rloo } from "./drpo/algorithms/rloo.js";
export type { CutFunction, CutFunctionRequest } from "./drpo/resets/function-cut.js";
export type * from "./drpo/resets/prefix-selector.js";
export { createResetSampler, type ResetSampler } from "./drpo/resets/reset-sampler.js";
export type * from "./drpo/resets/reset-source.js";
export { trainPolicy, type PolicyTraining } from "./drpo/train-policy.js";

export type { JudgeSource, RunContext } from "./stages/run-context.js";
export { runRecipe } from "./stages/run-recipe.js";

export { directoryAnswerCache } from "./cache/directory-answer-cache.js";
export { defaultCacheDirectory, directoryStageCache } from "./cache/directory-stage-cache.js";
export { readPreferenceDataset } from "./data/read-preference-dataset.js";
export { judgeTemplate, readJudgeTemplate, type JudgeTemplate } from "./judge/judge-template.js";
export { createLexiconJudge, lexiconJudgeOptions } from "./judge/lexicon-judge.js";
export { createOpenaiJudge, type OpenaiJudgeSource } from "./judge/openai-judge.js";
export { openaiJudgeOptions, type OpenaiJudgeOptions } from "./judge/openai-judge-options.js";
export { createProgress } from "./loggers/create-progress.js";
export { createFunctionReward, functionRewardOptions, type FunctionRewardOptions } from "./rewards/function-reward.js";
export { createHttpReward } from "./rewards/http-reward.js";
export { httpRewardOptions, type HttpRewardOptions } from "./rewards/http-reward-options.js";
export { systemClock } from "./rpc/clock.js";
export { connectModelServer, type ConnectOptions, type ModelServerConnection } from "./rpc/connect-model-server.js";
export { openRunDirectory, type OpenRunDirectory, type RunDirectoryOptions } from "./run/open-run-directory.js";
export { readEvaluationRows, type EvaluationRowsReading } from "./run/read-evaluation.js";
export { readRun, type RunReading } from "./run/read-run.js";
export { readSweep, type SweepReading, type SweepRunReading, type SweepRunState } from "./run/read-sweep.js";
export { startLocalServer, type LocalServer } from "./server/local-server.js";
export { loadUserFunction } from "./user-modules/load-user-module.js";

export { combinationLock, type CombinationLock } from "./testbed/combination-lock.js";
export { enumerateResponses } from "./testbed/enumerate-responses.js";
export type { ExactPolicy, ExactResponse, ResponseTree } from "./testbed/enumerate-responses.js";
export { exactKl, responseLogprob } from "./testbed/exact-kl.js";
export { expectedReturn } from "./testbed/expected-return.js";
export { mixturePolicy } from "./testbed/mixture-policy.js";
export { optimalObjective } from "./testbed/optimal-objective.js";
export { returnGradient } from "./testbed/return-gradient.js";
export { stateVisits } from "./testbed/state-visits.js";
export { everyContext, lastTokens, type TableGradients, type TableRule } from "./testbed/table.js";
export { type NewTabularModel, tabularModels, type TabularModels } from "./testbed/tabular-models.js";
export { tabulate, tokenTree } from "./testbed/token-tree.js";
export type { Outcome, StatePolicy, TokenTree, TreeRule, TreeState } from "./testbed/token-tree.js";
export { responseKl, stateKls } from "./testbed/tree-kl.js";
export {
  greedyPolicy,
  optimalValues,
  policyValues,
  regularisedPolicy,
  regularisedValues,
  type TreeValues,
} from "./testbed/tree-values.js";
