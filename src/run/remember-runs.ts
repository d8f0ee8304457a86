import { stat } from "node:fs/promises";
import { fileErrorCode } from "../durable-files/file-error.js";
import { readRun, type RunReading } from "./read-run.js";
import { runPaths } from "./run-files.js";
import { runState } from "./run-state.js";

/** `readRun` for one who reads the same runs again and again: a run whose files have not changed is not read again. */
export function rememberRuns(): (directory: string) => Promise<RunReading> {
  const remembered = new Map<string, { readonly stamp: string; readonly reading: RunReading }>();
  return async (directory) => {
    const stamp = await stampOf(directory);
    const before = remembered.get(directory);
    if (before?.stamp === stamp) {
      // A process can end without writing anything.
      return { ...before.reading, state: await runState(directory, before.reading.journal) };
    }
    const reading = await readRun(directory);
    remembered.set(directory, { stamp, reading });
    return reading;
  };
}

/** Size and time of each file that a reading is made of. */
async function stampOf(directory: string): Promise<string> {
  const { recipe, journal, metrics, evaluation } = runPaths(directory);
  const stamps = await Promise.all(
    [recipe, journal, metrics, evaluation].map(async (path) => {
      try {
        const { size, mtimeMs, ino } = await stat(path);
        return [size, mtimeMs, ino];
      } catch (error) {
        return fileErrorCode(error);
      }
    }),
  );
  return JSON.stringify(stamps);
}
