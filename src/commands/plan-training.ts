import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DataOptions } from "../config/data.js";
import { loadRecipe, refusal, resolveRecipe } from "../config/load-recipe.js";
import { packagedFile } from "../config/packaged-file.js";
import { unusableData } from "../config/unusable-data.js";
import { refuseUnwritable } from "../durable-files/writable-folder.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import type { PreferenceDataset } from "../domain/preference-dataset.js";
import type { ResetPool } from "../domain/reset-pool.js";
import type { CutFunction } from "../drpo/resets/function-cut.js";
import { BadInputError } from "../errors.js";
import type { MetricLogger } from "../ports/metric-logger.js";
import type { RewardFunction } from "../ports/reward-function.js";
import { readRunRecord } from "../run/read-run.js";
import type { JudgeSource } from "../stages/run-context.js";
import type { CommandContext } from "./command-context.js";
import { createJudges } from "./create-judges.js";
import { createLoggers } from "./create-loggers.js";
import { createRewardFunctions } from "./create-reward-functions.js";
import { defaultRunDirectory } from "./default-run-directory.js";
import { cacheFolder } from "./open-model-server.js";
import { readResetFiles } from "./read-reset-files.js";
import { type RegisteredRecipe, registeredRecipeSchema } from "./registry.js";
import { shownPath } from "./shown-path.js";

export interface TrainingOptions {
  readonly runDir?: string;
  readonly seed?: number;
  readonly set?: readonly string[];
  readonly resume?: boolean;
}

/** What a run will be: everything that can be known without a model server. */
export interface TrainingPlan {
  readonly recipe: RegisteredRecipe;
  readonly dataset: PreferenceDataset;
  /** What is evaluated on, where it is another dataset. */
  readonly evaluationDataset: PreferenceDataset | null;
  /** What resets go into, and where a user's function cuts, where the recipe names them. */
  readonly pool: ResetPool | null;
  readonly cutFunction: CutFunction | null;
  /** Rewards that are no reward model, by their place in the recipe. */
  readonly rewardFunctions: ReadonlyMap<string, RewardFunction>;
  /** Not started. */
  readonly loggers: readonly MetricLogger[];
  readonly judges: readonly JudgeSource[];
  /** Of what the run depends on and that files hold; SHA-256 (hexadecimal). */
  readonly hashes: Record<string, string>;
  /** Absolute. */
  readonly directory: string;
}

/**
 * Reads recipe and data, and looks for what its rewards and loggers need. A resumed run needs no recipe: it goes on with its own.
 * @throws BadInputError with everything that is wrong; EnvironmentError if run or cache cannot be written
 */
export async function planTraining(
  recipePath: string | undefined,
  options: TrainingOptions,
  {
    cwd,
    environment,
    readDataset = readPreferenceDataset,
  }: Pick<CommandContext, "cwd" | "environment"> & { readonly readDataset?: typeof readPreferenceDataset },
): Promise<TrainingPlan> {
  const recipe = await readRecipe(recipePath, options, cwd);
  const directory = resolve(cwd, options.runDir ?? defaultRunDirectory(recipe, options.set));
  const remedy = "name another with --run-dir";
  await refuseUnwritable([
    cacheFolder({ environment }),
    { path: directory, what: "the run", remedy, isArgument: true },
  ]);
  const dataset = await readDataset(recipe.data);
  const evaluationDataset = recipe.evaluation.data
    ? await readEvaluationData(recipe.evaluation.data, readDataset)
    : null;
  const problems = unusableData(recipe, dataset);
  if (problems.length > 0) throw refusal(recipePath ?? shownPath(directory, cwd), problems);
  const rewardFunctions = await createRewardFunctions(recipe.reward, environment);
  const judges = await createJudges(recipe.evaluation.judges, "evaluation.judges", { environment });
  const { pool, cutFunction, hashes } = await readResetFiles(recipe);
  const loggers = await createLoggers(recipe, environment);
  return {
    ...{ recipe, dataset, evaluationDataset, directory, rewardFunctions, judges, loggers, pool, cutFunction },
    hashes: {
      ...{ data: dataset.hash, ...hashes, ...hashOfRewards(rewardFunctions) },
      ...(evaluationDataset ? { "evaluation data": evaluationDataset.hash } : {}),
    },
  };
}

/** The reader names options as they are called in `data`. */
export async function readEvaluationData(
  options: DataOptions,
  readDataset: typeof readPreferenceDataset,
): Promise<PreferenceDataset> {
  try {
    return await readDataset(options);
  } catch (error) {
    if (error instanceof BadInputError) error.message = `evaluation.data: ${error.message}`;
    throw error;
  }
}

/** Of what the scores of functions depend on. */
export const hashOfRewards = (rewardFunctions: TrainingPlan["rewardFunctions"]): Record<string, string> => {
  if (rewardFunctions.size === 0) return {};
  const all = [...rewardFunctions].map(([key, { dependsOn }]) => [key, dependsOn]);
  return { "reward functions": createHash("sha256").update(JSON.stringify(all)).digest("hex") };
};

async function readRecipe(
  recipePath: string | undefined,
  { runDir, resume, ...overrides }: TrainingOptions,
  cwd: string,
): Promise<RegisteredRecipe> {
  if (recipePath !== undefined) return loadRecipe(recipePath, registeredRecipeSchema, overrides);
  if (!resume || runDir === undefined) {
    throw new BadInputError(
      `Which recipe? drpo train RECIPE starts a run (${packagedFile("recipes/reviews.json", cwd)} is one), ` +
        "drpo train --resume --run-dir DIR goes on with one.",
    );
  }
  const directory = resolve(cwd, runDir);
  if (!existsSync(directory)) throw new BadInputError(`There is no run to resume in ${directory}. Check --run-dir.`);
  const { recipe } = await readRunRecord(directory);
  return resolveRecipe(
    // Its own paths are absolute; those of --set are relative to where the command is given.
    { raw: recipe, name: join(directory, "recipe.json"), folder: cwd },
    registeredRecipeSchema,
    overrides,
  );
}
