import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { directoryStageCache } from "../../src/cache/directory-stage-cache.js";
import { createJudges } from "../../src/commands/create-judges.js";
import { createAlgorithm, type RegisteredRecipe, registeredRecipeSchema } from "../../src/commands/registry.js";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import type { PreferenceDataset, PreferenceGroup } from "../../src/domain/preference-dataset.js";
import { Random } from "../../src/math/random.js";
import { connectModelServer } from "../../src/rpc/connect-model-server.js";
import { openRunDirectory } from "../../src/run/open-run-directory.js";
import { startLocalServer } from "../../src/server/local-server.js";
import { runRecipe } from "../../src/stages/run-recipe.js";
import { tokenizeGroups } from "../../src/stages/tokenize-groups.js";
import type { TokenizedGroup } from "../../src/domain/tokenized-dataset.js";
import { recordAlgorithm, type RecordedUpdate } from "./record-algorithm.js";
import { releasedRecipe } from "./released-recipe.js";

export const PYTHON = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface ReleasedRun {
  readonly recipe: RegisteredRecipe;
  readonly base: string;
  readonly groups: readonly TokenizedGroup[];
  readonly eosTokenId: number;
  readonly updates: readonly RecordedUpdate[];
  /** A file of a checkpoint. */
  file(uri: string, name: string): string;
  /** The frozen reward model's weights. */
  readonly rewardModelFile: string;
  remove(): void;
}

/** `drpo train` with compat "drpo-2024" against the Python server in float64, recorded. */
export async function runReleasedRecipe(): Promise<ReleasedRun> {
  const folder = mkdtempSync(join(tmpdir(), "drpo-compat-"));
  const [base, data] = [join(folder, "tiny"), join(folder, "data.jsonl")];
  execFileSync(PYTHON, [script("write-tiny-pythia.py"), base], { stdio: "pipe" });
  // A recipe names its data; they are handed over as they are.
  writeFileSync(data, "");
  const source = { raw: releasedRecipe({ base, data }), name: "released.json", folder };
  const recipe = resolveRecipe(source, registeredRecipeSchema);
  const roots = { checkpointRoot: join(folder, "checkpoints"), stageRoot: join(folder, "stages") };
  const local = await startLocalServer({
    options: {
      ...{ python: PYTHON, port: 0, threads: 1, device: "cpu", dtype: "float64" },
      ...{ tokenBudget: 4096, startTimeoutMs: 120_000 },
    },
    ...roots,
    logFile: join(folder, "server.log"),
  });
  try {
    const run = await openRunDirectory({ directory: join(folder, "run"), recipe, resume: false });
    const connection = await connectModelServer({
      ...{ ...local, runId: run.runId, base, silenceTimeoutMs: 120_000 },
    });
    const { server } = connection;
    try {
      const { algorithm, updates } = recordAlgorithm(createAlgorithm(recipe)!, server.models);
      const dataset = wordDataset();
      await runRecipe({
        ...{ recipe, dataset, server, run, algorithm, pool: null, cutFunction: null, rewardFunctions: new Map() },
        cache: directoryStageCache({ directory: join(folder, "cache") }),
        judges: await createJudges(recipe.evaluation.judges, "evaluation.judges", { environment: {} }),
        progress: { start: () => ({ update: () => {}, end: () => {} }), note: () => {} },
        signal: new AbortController().signal,
      });
      const { eosTokenId } = await server.tokenizer.info();
      const reading = { tokenizer: server.tokenizer, eosTokenId, data: recipe.data, now: new Date(0) };
      const [rewardStage] = readdirSync(roots.stageRoot).filter((name) => name.startsWith("reward-"));
      return {
        ...{ recipe, base, eosTokenId, updates },
        groups: await tokenizeGroups(dataset.train, reading, {}),
        file: (uri, name) => join(roots.checkpointRoot, uri.replace("checkpoints/", ""), name),
        rewardModelFile: join(roots.stageRoot, rewardStage!, "reward-model.safetensors"),
        remove: () => rmSync(folder, { recursive: true, force: true }),
      };
    } finally {
      connection.close();
      await run.close();
    }
  } finally {
    await local.stop();
  }
}

/**
 * Prompts of one to three words, each with two rated responses and a reference. References have no token beside the end
 * of sequence (no reset), one, some, as many as fit the budget, and more.
 */
function wordDataset(): PreferenceDataset {
  const random = new Random(5n);
  const words = (count: number) => Array.from({ length: count }, () => `w${random.integer(0, 13)}`).join(" ");
  const group = (index: number): PreferenceGroup => ({
    ...{ id: String(index), prompt: words(1 + (index % 3)) },
    responses: [1, 0].map((rating) => ({ id: `${index}-${rating}`, text: words(3 + 2 * rating), rating })),
    reference: { id: `${index}-reference`, text: words([0, 1, 2, 4, 7, 12][index % 6]!), rating: 1 },
  });
  const groups = Array.from({ length: 20 }, (_, index) => group(index));
  return { train: groups.slice(0, 18), heldOut: groups.slice(18), skippedRows: 0, hash: "words" };
}
