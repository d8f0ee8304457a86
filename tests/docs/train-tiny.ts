import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { directoryStageCache } from "../../src/cache/directory-stage-cache.js";
import type { Recipe } from "../../src/config/recipe.js";
import type { Algorithm } from "../../src/drpo/algorithms/algorithm.js";
import { createLexiconJudge } from "../../src/judge/lexicon-judge.js";
import type { MetricsLine } from "../../src/ports/run-directory.js";
import { connectModelServer } from "../../src/rpc/connect-model-server.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { runRecipe } from "../../src/stages/run-recipe.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import { impatientClock } from "../rpc/manual-clock.js";
import { silent, tinyDataset, type TinyRun } from "../stages/tiny-run.js";

/** Runs a recipe on the testbed by an algorithm that need not be registered. @returns the run's id and its metrics */
export async function trainTiny(
  testbed: Testbed,
  { directory, cacheDirectory }: TinyRun,
  recipe: Recipe,
  algorithm: Algorithm | null,
): Promise<{ readonly runId: string; readonly metrics: readonly MetricsLine[] }> {
  const run = await openRunDirectory({ directory, recipe, resume: false });
  const { runId } = run;
  const connection = await connectModelServer({
    ...{ address: testbed.address, runId, base: recipe.model.base, silenceTimeoutMs: 60_000, clock: impatientClock },
  });
  try {
    await runRecipe({
      ...{ recipe, run, algorithm, dataset: tinyDataset, server: connection.server, progress: silent },
      ...{ pool: null, cutFunction: null, rewardFunctions: new Map() },
      signal: new AbortController().signal,
      cache: directoryStageCache({ directory: cacheDirectory }),
      judges: [createLexiconJudge()],
    });
  } finally {
    connection.close();
    await run.close();
  }
  const lines = (await readFile(join(directory, "metrics.jsonl"), "utf8")).trim().split("\n");
  return { runId, metrics: lines.map((line) => JSON.parse(line) as MetricsLine) };
}
