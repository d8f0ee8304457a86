import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import { directoryStageCache } from "../../src/cache/directory-stage-cache.js";
import { createJudges } from "../../src/commands/create-judges.js";
import { createRewardFunctions } from "../../src/commands/create-reward-functions.js";
import { createAlgorithm, type RegisteredRecipe, registeredRecipeSchema } from "../../src/commands/registry.js";
import type { Evaluation } from "../../src/domain/evaluation.js";
import type { PreferenceDataset } from "../../src/domain/preference-dataset.js";
import type { ResetPool } from "../../src/domain/reset-pool.js";
import type { CutFunction } from "../../src/drpo/resets/function-cut.js";
import type { Progress } from "../../src/ports/progress.js";
import { connectModelServer } from "../../src/rpc/connect-model-server.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { runRecipe } from "../../src/stages/run-recipe.js";
import { startTestbed, type Testbed } from "../../src/testbed/start-testbed.js";
import { impatientClock } from "../rpc/manual-clock.js";

/** "good" and "bad" are words of the lexicon judge too. */
export const VOCABULARY = ["?", " good", " bad", " film", "."];
export const PROMPT = [0];
export const EOS = 4;
export const MAX_TOKENS = 4;

const everyResponse = (length: number): string[] =>
  length === 0
    ? [""]
    : everyResponse(length - 1).flatMap((rest) => [" good", " bad", " film"].map((word) => word + rest));

/** All responses of one to three words, rated by how many are good. */
const responses = [1, 2, 3].flatMap(everyResponse).map((text, i) => ({
  id: String(i),
  text,
  rating: text.split("good").length - text.split("bad").length,
}));

export const tinyDataset: PreferenceDataset = {
  train: [{ id: "reviews", prompt: "?", responses: responses.filter((_, i) => i % 4 !== 0), reference: null }],
  heldOut: [{ id: "reviews", prompt: "?", responses: responses.filter((_, i) => i % 4 === 0), reference: null }],
  skippedRows: 0,
  hash: "dataset-1",
};

const optimizer = { learningRate: 0.05 };

export const tinyRewardModel = { kind: "train", epochs: 40, groupSize: 8, scaleRollouts: 64, optimizer };

/** A recipe that a table learns in a moment. */
export const tinyRecipe = (
  changes: {
    readonly policy?: object;
    readonly sft?: object;
    readonly reward?: object;
    readonly evaluation?: object;
  } = {},
): RegisteredRecipe =>
  registeredRecipeSchema.parse({
    name: "tiny",
    model: { base: "testbed:tiny" },
    data: { kind: "rated", path: "unused", prompt: "?" },
    response: { maxTokens: MAX_TOKENS },
    // Options of training go with no other kind.
    sft: changes.sft && "kind" in changes.sft ? changes.sft : { kind: "train", epochs: 6, optimizer, ...changes.sft },
    reward: changes.reward ?? tinyRewardModel,
    policy: {
      ...{ iterations: 12, rolloutsPerIteration: 32, optimizer: { learningRate: 0.2 } },
      algorithm: { kind: "ppo", criticOptimizer: optimizer },
      reset: { source: { field: "any", minRating: 0 }, selector: { law: "theory" } },
      validation: { every: 4, rollouts: 64 },
      ...changes.policy,
    },
    evaluation: {
      rollouts: 200,
      bootstrapResamples: 200,
      examples: 2,
      judges: [{ kind: "lexicon" }],
      ...changes.evaluation,
    },
  });

export const silent: Progress = { start: () => ({ update: () => {}, end: () => {} }), note: () => {} };

/** Reward weights depend on the last few tokens alone, so that the reward model generalises to what it has not seen. */
export const startTinyTestbed = (): Promise<Testbed> =>
  startTestbed({ vocabulary: VOCABULARY, contextTokens: 16, memoryTokens: 2 });

export interface TinyRun {
  readonly directory: string;
  readonly cacheDirectory: string;
}

const roots: string[] = [];
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true, force: true }))));

/** In a folder of its own, which is removed after the tests of the file. */
export async function newTinyRun(): Promise<TinyRun> {
  const root = await mkdtemp(join(tmpdir(), "drpo-tiny-"));
  roots.push(root);
  return { directory: join(root, "run"), cacheDirectory: join(root, "cache") };
}

/** What `drpo train` does, against a testbed. */
export async function runTiny(
  testbed: Testbed,
  { directory, cacheDirectory }: TinyRun,
  {
    recipe = tinyRecipe(),
    dataset = tinyDataset,
    resume = false,
    signal = new AbortController().signal,
    progress = silent,
    pool = null,
    cutFunction = null,
  }: {
    recipe?: RegisteredRecipe;
    dataset?: PreferenceDataset;
    resume?: boolean;
    signal?: AbortSignal;
    progress?: Progress;
    pool?: ResetPool | null;
    cutFunction?: CutFunction | null;
  } = {},
): Promise<{ evaluation: Evaluation; runId: string }> {
  const run = await openRunDirectory({ directory, recipe, resume });
  try {
    const { runId } = run;
    const connection = await connectModelServer({
      ...{ address: testbed.address, runId, base: recipe.model.base, silenceTimeoutMs: 60_000, clock: impatientClock },
    });
    try {
      const evaluation = await runRecipe({
        ...{ recipe, dataset, server: connection.server, run, signal, progress, pool, cutFunction },
        cache: directoryStageCache({ directory: cacheDirectory }),
        judges: await createJudges(recipe.evaluation.judges, "evaluation.judges", { environment: {} }),
        algorithm: createAlgorithm(recipe),
        rewardFunctions: await createRewardFunctions(recipe.reward, {}),
      });
      return { evaluation, runId };
    } finally {
      connection.close();
    }
  } finally {
    await run.close();
  }
}
