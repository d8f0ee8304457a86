import { join, resolve } from "node:path";
import { parseSetting } from "../config/apply-settings.js";
import { resolveRecipe } from "../config/load-recipe.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import { BadInputError } from "../errors.js";
import type { Commit } from "../ports/run-directory.js";
import { type RunReading, readRun } from "../run/read-run.js";
import { refuseChanged, refuseOlderRun } from "../run/refuse-changed.js";
import type { CommandContext } from "./command-context.js";
import { refuseUnwritableRun } from "./open-model-server.js";
import { createJudges } from "./create-judges.js";
import { createRewardFunctions } from "./create-reward-functions.js";
import { hashOfRewards, readEvaluationData, type TrainingPlan } from "./plan-training.js";
import { saysWhere } from "./recipe-of-run.js";
import { registeredRecipeSchema } from "./registry.js";
import { shownPath } from "./shown-path.js";

/** What an evaluation of a run will be: everything that can be known without a model server. */
export interface EvaluationPlan extends Pick<
  TrainingPlan,
  "recipe" | "dataset" | "evaluationDataset" | "rewardFunctions" | "judges" | "directory"
> {
  readonly reading: RunReading;
  /** Of those asked for, what says where files are. */
  readonly places: readonly string[];
  /** Its best checkpoint is evaluated. */
  readonly lastCommit: Commit;
}

/**
 * Reads a run and its data, with other settings of the evaluation. Relative paths among them are those of the command line.
 * @throws BadInputError if there is no run or no policy, a setting is no setting of the evaluation, or the data changed
 */
export async function planEvaluation(
  runDirectory: string,
  settings: readonly string[],
  { cwd, environment }: Pick<CommandContext, "cwd" | "environment">,
): Promise<EvaluationPlan> {
  const directory = resolve(cwd, runDirectory);
  for (const setting of settings) refuseOther(setting);
  const reading = await readRun(directory);
  await refuseUnwritableRun({ environment }, directory);
  const { record, lastCommit } = reading;
  refuseOlderRun(directory, record);
  if (lastCommit === null) {
    throw new BadInputError(
      `The run in ${directory} has no policy to evaluate yet: nothing is committed. Go on with it: ` +
        `drpo train --resume --run-dir ${shownPath(directory, cwd)}`,
    );
  }
  const source = { raw: record.recipe, name: join(directory, "recipe.json"), folder: cwd };
  const recipe = resolveRecipe(source, registeredRecipeSchema, { set: settings });
  const judges = await createJudges(recipe.evaluation.judges, "evaluation.judges", { environment });
  const dataset = await readPreferenceDataset(recipe.data);
  const evaluationDataset = recipe.evaluation.data
    ? await readEvaluationData(recipe.evaluation.data, readPreferenceDataset)
    : null;
  const rewardFunctions = await createRewardFunctions(recipe.reward, environment);
  refuseChanged(directory, record.hashes, { data: dataset.hash, ...hashOfRewards(rewardFunctions) });
  const places = settings.filter(saysWhere);
  return { directory, places, reading, lastCommit, recipe, dataset, evaluationDataset, rewardFunctions, judges };
}

/** Whatever else a recipe says made the run what it is. */
function refuseOther(setting: string): void {
  const { path } = parseSetting(setting);
  if (path[0] === "evaluation" || saysWhere(setting)) return;
  throw new BadInputError(
    `--set ${setting}: drpo evaluate changes settings of evaluation alone, such as evaluation.rollouts or evaluation.judges, ` +
      "and says where files are now (model.base, data.path). " +
      "A run with another recipe is another run: drpo train RECIPE --set ...",
  );
}
