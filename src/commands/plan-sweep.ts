import { join } from "node:path";
import type { DataOptions } from "../config/data.js";
import { loadRecipe, refusal } from "../config/load-recipe.js";
import type { SweepOptions } from "../config/sweep.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import { BadInputError } from "../errors.js";
import { recipeHash } from "../run/recipe-differences.js";
import { RESERVED_NAMES } from "../run/sweep-files.js";
import { type ExpandedRun, expandRuns } from "../sweep/expand-runs.js";
import type { PlannedRun } from "../sweep/planned-run.js";
import type { CommandContext } from "./command-context.js";
import { planTraining, type TrainingPlan } from "./plan-training.js";
import { registeredRecipeSchema } from "./registry.js";

/**
 * Resolves every run of a sweep, as `drpo train` would: recipe, data, rewards.
 * @param path of the sweep's file, for messages
 * @param directory absolute, of the sweep
 * @throws BadInputError that names each run that cannot start, and why
 */
export async function planSweep(
  { path, sweep, directory }: { readonly path: string; readonly sweep: SweepOptions; readonly directory: string },
  context: CommandContext,
): Promise<readonly PlannedRun[]> {
  const expanded = expandRuns(sweep);
  const readDataset = rememberDatasets();
  const planned: PlannedRun[] = [];
  const problems = new Map<string, string[]>();
  for (const run of expanded) {
    try {
      if (RESERVED_NAMES.has(run.name)) throw new BadInputError("a run cannot be called so: choose another name");
      planned.push(await planRun(run, { sweep, directory, readDataset }, context));
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      problems.set(error.message, [...(problems.get(error.message) ?? []), run.name]);
    }
  }
  if (problems.size === 0) return planned;
  throw refusal(
    path,
    [...problems].map(([message, names]) => `${shownNames(names, expanded.length)}: ${message}`),
  );
}

/** What is wrong with many runs in the same way is said once. */
function shownNames(names: readonly string[], total: number): string {
  if (names.length === total && total > 1) return `all ${total} runs`;
  const more = names.length - 3;
  return `run ${names.slice(0, more > 1 ? 3 : names.length).join(", ")}${more > 1 ? ` and ${more} others` : ""}`;
}

interface Place {
  readonly sweep: SweepOptions;
  readonly directory: string;
  readonly readDataset: typeof readPreferenceDataset;
}

async function planRun(run: ExpandedRun, place: Place, context: CommandContext): Promise<PlannedRun> {
  const { sweep, directory, readDataset } = place;
  const serverSettings = await serverSettingsOf(run, sweep);
  const [anyServer = null] = sweep.servers ?? [];
  const path = join(directory, run.name);
  const plan = await planTraining(
    run.recipe,
    { set: [...run.settings, ...serverSettings(anyServer)], runDir: path },
    { ...context, readDataset },
  );
  const args = (address: string | null): readonly string[] => [
    ...["train", run.recipe, "--run-dir", path, "--start-or-resume"],
    ...[...run.settings, ...serverSettings(address)].flatMap((setting) => ["--set", setting]),
  ];
  return {
    ...{ name: run.name, configuration: run.configuration, directory: run.name, path, args },
    ...{ recipe: run.recipe, settings: [...run.settings], seed: plan.recipe.seed },
    ...{ recipeHash: recipeHash(plan.recipe, directory), sharedStages: sharedStagesOf(plan) },
    server: sweep.servers ? "shared" : plan.recipe.server.kind === "local" ? "local" : "own",
  };
}

/** What makes a run use one of the sweep's servers, where it has some. */
async function serverSettingsOf(run: ExpandedRun, sweep: SweepOptions) {
  if (!sweep.servers) return () => [];
  const { server } = await loadRecipe(run.recipe, registeredRecipeSchema, { set: run.settings });
  return (address: string | null): readonly string[] =>
    server.kind === "remote"
      ? [`server.address=${address}`]
      : [`server=${JSON.stringify({ kind: "remote", address, silenceTimeoutMs: server.silenceTimeoutMs })}`];
}

/** What the outputs of SFT and the reward model depend on. */
function sharedStagesOf({ recipe, hashes }: TrainingPlan): string {
  const { seed, model, response, sft, reward } = recipe;
  const seeds = [sft, reward].map((stage) => ("seed" in stage ? stage.seed : undefined) ?? seed);
  return JSON.stringify([hashes["data"], model, response, sft, reward, seeds]);
}

/** Runs that read the same data read it once. */
function rememberDatasets(): typeof readPreferenceDataset {
  const datasets = new Map<string, ReturnType<typeof readPreferenceDataset>>();
  return (options: DataOptions) => {
    const key = JSON.stringify(options);
    const dataset = datasets.get(key) ?? readPreferenceDataset(options);
    datasets.set(key, dataset);
    return dataset;
  };
}
