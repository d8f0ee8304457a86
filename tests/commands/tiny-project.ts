import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFakeBase } from "../fake-base.js";
import { drpoFolder, type DrpoFolder } from "./drpo-folder.js";
import { ROOT } from "./run-drpo.js";

/** The interpreter of the tests. */
export const PYTHON = process.env["DRPO_PYTHON"] ?? join(ROOT, ".venv", "bin", "python");
export const hasPython = existsSync(PYTHON);

/** A folder with data, and a recipe that trains in seconds on a base of a few thousand weights. */
export interface TinyProject extends DrpoFolder {
  readonly folder: string;
  /** Writes recipe.json with some sections changed. @returns its path */
  writeRecipe(changes?: Readonly<Record<string, unknown>>): Promise<string>;
  writeData(rows: readonly unknown[]): Promise<void>;
}

const optimizer = { learningRate: 0.01 };

/** Words of the tiny base's vocabulary; the rating is how many of them are even less how many are odd. */
const ratedRows = Array.from({ length: 60 }, (_, i) => {
  const words = Array.from({ length: 2 + (i % 4) }, (_, j) => (i * 7 + j * 5 + ((i * j) % 3)) % 30);
  return {
    id: `r${i}`,
    text: words.map((word) => `w${word}`).join(" "),
    rating: words.reduce((sum, word) => sum + (word % 2 === 0 ? 1 : -1), 0),
  };
});

export const tinyRecipe = {
  name: "tiny",
  model: { base: "base", shape: { kind: "lora", rank: 2, alpha: 4, lastBlocks: 2 } },
  data: { kind: "rated", path: "data.jsonl", prompt: "w1 w2", heldOutShare: 0.3 },
  response: { maxTokens: 6 },
  server: { kind: "local", threads: 1 },
  sft: { kind: "train", maxResponses: 16, batchSize: 8, optimizer },
  reward: { kind: "train", maxResponses: 32, groupSize: 8, scaleRollouts: 8, optimizer },
  policy: {
    iterations: 4,
    rolloutsPerIteration: 8,
    reset: { source: { field: "any", minRating: 0 } },
    optimizer,
    algorithm: { kind: "ppo", criticOptimizer: optimizer },
    validation: { every: 2, rollouts: 8 },
  },
  evaluation: {
    rollouts: 16,
    heldOutResponses: 16,
    bootstrapResamples: 100,
    examples: 2,
    judges: [{ kind: "lexicon" }],
  },
} as const;

/** @param withBase needs Python; without, there is only a folder that looks like a base */
export async function createTinyProject({
  withBase = false,
}: { readonly withBase?: boolean } = {}): Promise<TinyProject> {
  const folder = await mkdtemp(join(tmpdir(), "drpo-project-"));
  const base = join(folder, "base");
  if (withBase) execFileSync(PYTHON, [join(ROOT, "tests", "rpc", "write-tiny-base.py"), base], { stdio: "ignore" });
  else writeFakeBase(base);
  const project: TinyProject = {
    ...drpoFolder(folder),
    folder,
    async writeRecipe(changes = {}) {
      const path = join(folder, "recipe.json");
      await writeFile(path, JSON.stringify({ ...tinyRecipe, ...changes }, null, 2));
      return path;
    },
    writeData: (rows) => writeFile(join(folder, "data.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join("")),
  };
  await project.writeRecipe();
  await project.writeData(ratedRows);
  return project;
}
