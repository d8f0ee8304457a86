import { sweepPaths } from "../run/sweep-files.js";
import { explainEnd } from "./explain-end.js";
import type { LaunchContext } from "./launch-context.js";
import type { Starter } from "./launch-in-turn.js";
import type { PlannedRun } from "./planned-run.js";
import { type ProcessRequest, runProcess } from "./run-process.js";

/** Starts runs as processes of this machine. @param processOf the process of a run */
export const startProcess = (
  processOf: (
    run: PlannedRun,
    address: string | null,
  ) => Omit<ProcessRequest, "log" | "signal"> | Promise<Omit<ProcessRequest, "log" | "signal">>,
  { folder, signal }: LaunchContext,
): Starter => ({
  async start(run, address) {
    const request = await processOf(run, address);
    await folder.launched(run.name);
    const log = sweepPaths(folder.directory).log(run.name);
    const { said, ...end } = await runProcess({ ...request, log, signal });
    return explainEnd(end, said);
  },
});
