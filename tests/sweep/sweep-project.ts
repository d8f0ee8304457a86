import { readdirSync, readFileSync, watch, mkdirSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DrpoOptions, StartedDrpo } from "../commands/run-drpo.js";
import { createTinyRecipeFolder, type RecipeFolder } from "../recipes/recipe-folder.js";

/** The tiny ablation with a sweep over it, and one model server that all its runs share. */
export interface SweepProject {
  readonly folder: RecipeFolder;
  /** Absolute. */
  inside(...names: string[]): string;
  /** Writes NAME.json: the ablation, with some sections changed. */
  writeSweep(name: string, changes?: object): Promise<void>;
  /** `drpo sweep NAME.json`, with a stage cache of the sweep's own. */
  sweep(name: string, args?: readonly string[], options?: DrpoOptions): StartedDrpo;
  /** How often each stage's output was stored in the sweep's cache, whoever stored it. */
  countStages(name: string): Readonly<Record<string, number>>;
  remove(): Promise<void>;
}

const RUNS = {
  kind: "grid",
  fields: { "policy.reset.proportion": [0, 0.5, 1], "policy.klCoef": [0.05, 0.2] },
};

/** Stages that all runs share, and as little of everything as shows a difference. */
const SHORT = {
  ...{ "sft.seed": 1, "reward.seed": 1, "policy.iterations": 3, "policy.rolloutsPerIteration": 8 },
  ...{ "policy.validation.every": 3, "policy.validation.rollouts": 4 },
  ...{ "evaluation.rollouts": 8, "evaluation.heldOutResponses": 8 },
};

export async function createSweepProject(): Promise<SweepProject> {
  const folder = createTinyRecipeFolder();
  const server = folder.start(["serve", "--port", "0", "--threads", "1", "--json"]);
  const address = (await server.says(/"address": "([^"]+)"/))[1]!;
  const watchers: { close(): void }[] = [];
  const inside = (...names: string[]) => join(folder.path, ...names);
  return {
    ...{ folder, inside },
    async writeSweep(name, changes = {}) {
      const sweep = {
        ...{ name, recipe: "recipes/tldr-pythia-2.8b-ablation-tiny.json", seeds: [1, 2], set: SHORT, runs: RUNS },
        ...{ servers: [address], limits: { runs: 2, runsPerServer: 2 }, ...changes },
      };
      await writeFile(inside(`${name}.json`), JSON.stringify(sweep));
    },
    sweep: (name, args = [], options = {}) =>
      folder.start(["sweep", `${name}.json`, ...args], {
        ...options,
        environment: { DRPO_CACHE_DIR: inside(`cache-${name}`), ...options.environment },
      }),
    countStages(name) {
      const stages = countStages(inside(`cache-${name}`));
      watchers.push(stages);
      return stages.counts;
    },
    async remove() {
      for (const watcher of watchers) watcher.close();
      await folder.remove();
    },
  };
}

/** What a run came to: its evaluation to the last bit, and each of its rollouts, metrics and answers. */
export async function resultsOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(directory, { recursive: true });
  const kept = names.filter((name) => /^(evaluation|rollouts)\b.*\.jsonl?$/.test(name)).sort();
  const files = await Promise.all(
    kept.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const),
  );
  return Object.fromEntries(
    files.map(([name, text]) => [name, name.startsWith("rollouts") ? rolloutTexts(text) : text]),
  );
}

/** A restore opens another generation of the same weights: their hash stays. */
const rolloutTexts = (text: string): string => text.replaceAll(/"generation":"\d+",/g, "");

function countStages(cache: string): { readonly counts: Readonly<Record<string, number>>; close(): void } {
  const stages = join(cache, "stages");
  mkdirSync(stages, { recursive: true });
  const counts: Record<string, number> = {};
  // An output is written under another name and then renamed: an event each time.
  const watcher = watch(stages, (event, name) => {
    const stage = /^(sft|reward)-[0-9a-f]+\.json$/.exec(name ?? "")?.[1];
    if (event === "rename" && stage !== undefined) counts[stage] = (counts[stage] ?? 0) + 1;
  });
  return { counts, close: () => watcher.close() };
}

/** Lines that the runs of a sweep have written about what they did: how far it is. */
export function progressOf(directory: string): number {
  const linesOf = (path: string): number => {
    try {
      return readFileSync(path, "utf8").split("\n").length - 1;
    } catch {
      return 0;
    }
  };
  let lines = 0;
  for (const run of namesIn(directory)) {
    for (const name of ["journal.jsonl", "metrics.jsonl"]) lines += linesOf(join(directory, run, name));
  }
  return lines;
}

const namesIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** Kills every process whose command line names the folder: those of a sweep that outlived it. */
export function killProcessesOf(directory: string): number {
  let killed = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid || !commandLine(pid).includes(directory)) continue;
    process.kill(Number(pid), "SIGKILL");
    killed++;
  }
  return killed;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
