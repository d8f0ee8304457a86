import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadRecipe, refusal, resolveRecipe } from "../config/load-recipe.js";
import { unusableData } from "../config/unusable-data.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import type { PreferenceDataset } from "../domain/preference-dataset.js";
import { BadInputError } from "../errors.js";
import { readRunRecord } from "../run/read-run.js";
import { defaultRunDirectory } from "./default-run-directory.js";
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
  /** Absolute. */
  readonly directory: string;
}

/**
 * Reads recipe and data. A resumed run needs no recipe: it goes on with its own.
 * @throws BadInputError with everything that is wrong
 */
export async function planTraining(
  recipePath: string | undefined,
  options: TrainingOptions,
  cwd: string,
): Promise<TrainingPlan> {
  const recipe = await readRecipe(recipePath, options, cwd);
  const directory = resolve(cwd, options.runDir ?? defaultRunDirectory(recipe, options.set));
  const dataset = await readPreferenceDataset(recipe.data);
  const problems = unusableData(recipe, dataset);
  if (problems.length > 0) throw refusal(recipePath ?? shownPath(directory, cwd), problems);
  return { recipe, dataset, directory };
}

async function readRecipe(
  recipePath: string | undefined,
  { runDir, resume, ...overrides }: TrainingOptions,
  cwd: string,
): Promise<RegisteredRecipe> {
  if (recipePath !== undefined) return loadRecipe(recipePath, registeredRecipeSchema, overrides);
  if (!resume || runDir === undefined) {
    throw new BadInputError(
      "Which recipe? drpo train RECIPE starts a run (recipes/reviews.json is one), drpo train --resume --run-dir DIR goes on with one.",
    );
  }
  const directory = resolve(cwd, runDir);
  if (!existsSync(directory)) throw new BadInputError(`There is no run to resume in ${directory}. Check --run-dir.`);
  const { recipe } = await readRunRecord(directory);
  return resolveRecipe(
    { raw: recipe, name: join(directory, "recipe.json"), folder: directory },
    registeredRecipeSchema,
    overrides,
  );
}
