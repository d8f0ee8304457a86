import { refuseChanged } from "../run/refuse-changed.js";
import type { RunRecord } from "../run/run-files.js";
import type { Commit, RunDirectory } from "../ports/run-directory.js";

/** A run directory that nothing is written to. */
export function readOnlyRun(
  directory: string,
  { runId, createdAt, hashes }: Pick<RunRecord, "runId" | "createdAt" | "hashes">,
  commit: Commit | null,
): RunDirectory {
  const refuse = () => Promise.reject(new Error("a run that was opened for reading is never written"));
  return {
    runId,
    createdAt,
    lastCommit: () => commit,
    identify: async (name, hash) => refuseChanged(directory, hashes, { [name]: hash }),
    // A judge may be trained beside the run; its curves belong to no iteration of it.
    appendMetrics: () => Promise.resolve(),
    ...{ commit: refuse, writeRollouts: refuse, writeEvaluation: refuse },
    ...{ readRollouts: refuse, writeMemory: refuse, readMemory: refuse },
  };
}
