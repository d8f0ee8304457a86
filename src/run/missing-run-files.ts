import { stat } from "node:fs/promises";
import { fileErrorCode } from "../durable-files/file-error.js";
import { iterationFiles } from "./read-training-rollouts.js";
import { runPaths, type RunRecord } from "./run-files.js";
import type { RunState } from "./run-state.js";

/** Files that a run of this state has written and that are not there, a sentence each. */
export async function missingRunFiles(
  directory: string,
  { record, state }: { readonly record: RunRecord; readonly state: RunState },
): Promise<readonly string[]> {
  const paths = runPaths(directory);
  const missing = async (path: string, isDue: boolean, consequence: string): Promise<readonly string[]> =>
    isDue && !(await isThere(path)) ? [`${path} is missing: ${consequence}`] : [];
  return [
    ...(await missing(paths.journal, true, "how far the run got is not known. Restore it from a copy.")),
    ...(await missing(paths.metrics, state.iteration > 0, "the run has no curves. Restore it from a copy.")),
    ...(await missing(
      paths.evaluation,
      state.status === "done",
      `the run is done, but not what it reached. Write it again: drpo evaluate ${directory}`,
    )),
    ...(await missingRollouts(paths.rollouts, record, state)),
  ];
}

async function missingRollouts(
  folder: string,
  { recipe }: RunRecord,
  { iteration }: RunState,
): Promise<readonly string[]> {
  const policy = recipe["policy"];
  const isOffline = typeof policy === "object" && policy !== null && "kind" in policy && policy.kind === "dpo";
  if (isOffline) return [];
  const found = new Set((await iterationFiles(folder)).map((file) => file.iteration));
  const missing = Array.from({ length: iteration }, (_, i) => i + 1).filter((one) => !found.has(one));
  if (missing.length === 0) return [];
  return [
    `${folder}: the rollouts of ${missing.length} of ${iteration} iterations are missing, the first is iteration ` +
      `${missing[0]!}. They are left out; restore them from a copy.`,
  ];
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT" || fileErrorCode(error) === "ENOTDIR") return false;
    throw error;
  }
}
