import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { directoryStageCache } from "../cache/directory-stage-cache.js";
import { rewardModelTerm } from "../config/reward-terms.js";
import { readPreferenceDataset } from "../data/read-preference-dataset.js";
import { makeFolder } from "../durable-files/writable-folder.js";
import type { ModelHandle } from "../domain/model.js";
import { BadInputError } from "../errors.js";
import type { ModelServer } from "../ports/model-server.js";
import type { Commit } from "../ports/run-directory.js";
import type { StageCache } from "../ports/stage-cache.js";
import { readRun } from "../run/read-run.js";
import { refuseChanged } from "../run/refuse-changed.js";
import { openRun } from "../stages/open-run.js";
import { rewardModelStage } from "../stages/reward-model.js";
import type { OpenRun } from "../stages/run-context.js";
import { sftStage } from "../stages/sft.js";
import type { ClosableProgress } from "../loggers/closable-progress.js";
import type { CommandContext } from "./command-context.js";
import { cacheDirectory, cacheFolder, openModelServer } from "./open-model-server.js";
import { readOnlyCache } from "./read-only-cache.js";
import { readOnlyRun } from "./read-only-run.js";
import { recipeOfRun } from "./recipe-of-run.js";
import { createAlgorithm, type RegisteredRecipe } from "./registry.js";

/** A model that a run made. */
export type TrainedModel = "policy" | "sft" | "reward-model";

/** A run that was trained, with a server to load its models. The run itself is only read. */
export interface TrainedRun {
  readonly recipe: RegisteredRecipe;
  /** When the run was started: the time that chat templates write. */
  readonly createdAt: Date;
  readonly server: ModelServer;
  /** Loads a model, frozen: the best policy, or the output of a stage from the cache. */
  readonly load: (model: TrainedModel) => Promise<ModelHandle>;
  /** Shows the server checkpoints that came since the run was opened. */
  readonly seeCheckpoints: () => Promise<void>;
  /** The run with its data, for what is computed beside it and kept in the cache; its own files are not written. */
  readonly openToCompute: () => Promise<OpenRun>;
  readonly stop: () => Promise<void>;
}

export interface TrainedRunOptions {
  readonly progress: ClosableProgress;
  readonly signal: AbortSignal;
  /** `path=value`: where files are now. */
  readonly set?: readonly string[];
  /** That will be loaded. */
  readonly model?: TrainedModel;
  /** What else must be right of the recipe. @throws BadInputError */
  readonly check?: (recipe: RegisteredRecipe) => void;
}

/**
 * Opens a run, under way or finished, under a name of its own, so that whoever trains it is not disturbed.
 * @param directory absolute
 * @throws BadInputError before a server starts if there is no run, or it has not the model that is wanted; EnvironmentError
 * if the cache cannot be written
 */
export async function openTrainedRun(
  context: CommandContext,
  directory: string,
  { progress, signal, set = [], model, check }: TrainedRunOptions,
): Promise<TrainedRun> {
  const { record, lastCommit } = await readRun(directory);
  const recipe = recipeOfRun(directory, record, { set, folder: context.cwd });
  if (model !== undefined) refuseMissingModel(model, { recipe, commit: lastCommit, directory });
  check?.(recipe);
  await makeFolder(cacheFolder(context));
  const scratch = await checkpointView(directory, cacheDirectory(context));
  const removeScratch = () => rm(scratch, { recursive: true, force: true });
  const { server, stop: stopServer } = await openModelServer(context, {
    ...{ options: recipe.server, base: recipe.model.base, runId: `read-${randomUUID()}`, progress, signal },
    ...{ checkpointRoot: scratch, logFile: join(cacheDirectory(context), "read-server.log") },
  }).catch(async (error: unknown) => {
    await removeScratch();
    throw error;
  });
  const stop = async () => {
    await stopServer();
    await removeScratch();
  };

  const stageCache = directoryStageCache({ directory: cacheDirectory(context) });
  const openStages = async (cache: StageCache) => {
    const { baseHash: base, tokenizerHash: tokenizer } = await server.tokenizer.info({ signal });
    // An older run's hashes are of other things; its checkpoints are compared when they are restored.
    if (record.directory !== undefined) refuseChanged(directory, record.hashes, { base, tokenizer });
    return openRun({
      ...{ recipe, server, cache, progress, signal },
      run: readOnlyRun(directory, record, lastCommit),
      dataset: await readPreferenceDataset(recipe.data),
      // For training and evaluation alone.
      ...{ judges: [], algorithm: createAlgorithm(recipe), pool: null, cutFunction: null, rewardFunctions: new Map() },
    });
  };
  const openToCompute = () => openStages(stageCache);
  const load = async (model: TrainedModel): Promise<ModelHandle> => {
    refuseMissingModel(model, { recipe, commit: lastCommit, directory });
    if (model === "policy") return loadPolicy(server, recipe.model.base, lastCommit!, signal);
    const run = await openStages(readOnlyCache(stageCache));
    const sft = await sftStage(run);
    return model === "sft" ? sft.reference : (await rewardModelStage(run, sft))!.model;
  };
  const seeCheckpoints = () => linkCheckpoints(directory, scratch);
  return { recipe, createdAt: new Date(record.createdAt), server, load, openToCompute, seeCheckpoints, stop };
}

/**
 * A folder that shows the run's checkpoints to another server than the one that may be training it: what that server
 * writes (its ledger, an export) goes into this folder, and the run is only read.
 */
async function checkpointView(directory: string, cache: string): Promise<string> {
  const view = await mkdtemp(join(cache, "read-"));
  await linkCheckpoints(directory, view);
  return view;
}

async function linkCheckpoints(directory: string, view: string): Promise<void> {
  const checkpoints = join(directory, "checkpoints");
  const names = existsSync(checkpoints) ? await readdir(checkpoints) : [];
  const there = new Set(await readdir(view));
  for (const name of names.filter((one) => !one.startsWith(".") && !there.has(one)))
    await symlink(join(checkpoints, name), join(view, name));
}

/** Of a policy there must be a commit, of a reward model a recipe that has one. */
function refuseMissingModel(
  model: TrainedModel,
  {
    recipe,
    commit,
    directory,
  }: { readonly recipe: RegisteredRecipe; readonly commit: Commit | null; readonly directory: string },
): void {
  if (model === "policy" && commit === null) {
    throw new BadInputError(
      `The run in ${directory} has no policy yet: nothing is committed. Go on with it: drpo train --resume --run-dir ${directory}`,
    );
  }
  if (model === "reward-model" && rewardModelTerm(recipe.reward) === null) {
    throw new BadInputError(`The run in ${directory} has no reward model: its scores come from elsewhere (reward).`);
  }
}

/** The best checkpoint by validation, or the last where there was none yet. */
async function loadPolicy(
  server: ModelServer,
  base: string,
  commit: Commit,
  signal: AbortSignal,
): Promise<ModelHandle> {
  const { checkpoint } = commit.best ?? commit;
  const models = [{ savedName: "policy", name: "policy", trainable: false }];
  const [policy] = await server.models.restoreCheckpoint(checkpoint, models, { signal, base });
  return policy!;
}
