import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { UNFINISHED_FILE, writeFileAtomically } from "../durable-files/write-file-atomically.js";
import type { runPaths } from "./run-files.js";

/** Stages whose iterations are those of the policy stage; the batches of the others are repeated whole or not at all. */
export const COMMITTED_STAGES: ReadonlySet<unknown> = new Set(["policy", "validation"]);

/**
 * Removes what is newer than the last commit: it will happen again. Also the rest of a torn last line of the metrics,
 * and files that were being written when their process ended.
 * @param iteration of the last commit; 0 if there is none
 */
export async function dropUncommitted(paths: ReturnType<typeof runPaths>, iteration: number): Promise<void> {
  await dropMetrics(paths.metrics, iteration);
  for (const name of await readdir(paths.rollouts)) {
    if (UNFINISHED_FILE.test(name) || Number(basename(name, ".jsonl")) > iteration)
      await rm(join(paths.rollouts, name));
  }
  const directory = dirname(paths.recipe);
  for (const name of await readdir(directory)) {
    if (UNFINISHED_FILE.test(name)) await rm(join(directory, name));
  }
}

async function dropMetrics(path: string, iteration: number): Promise<void> {
  const { rows, damagedLines, isTorn } = await readJsonLines(path);
  const kept = rows.filter(({ value }) => {
    const line = value as { stage?: unknown; iteration?: unknown } | null;
    return !(COMMITTED_STAGES.has(line?.stage) && Number(line?.iteration) > iteration);
  });
  if (kept.length === rows.length && damagedLines.length === 0 && !isTorn) return;
  await writeFileAtomically(path, kept.map(({ value }) => `${JSON.stringify(value)}\n`).join(""));
}
