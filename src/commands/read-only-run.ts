import type { Commit, RunDirectory } from "../ports/run-directory.js";

/** A run directory that nothing is written to. */
export function readOnlyRun(runId: string, commit: Commit | null): RunDirectory {
  const refuse = () => Promise.reject(new Error("a run that was opened for reading is never written"));
  return {
    runId,
    lastCommit: () => commit,
    ...{ commit: refuse, appendMetrics: refuse, writeRollouts: refuse, writeEvaluation: refuse },
    ...{ readRollouts: refuse, writeMemory: refuse, readMemory: refuse },
  };
}
