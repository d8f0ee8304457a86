import { lockHolder } from "../durable-files/process-lock.js";
import type { SweepReading, SweepRunReading } from "../run/read-sweep.js";
import { runPaths } from "../run/run-files.js";
import type { PlannedRun } from "./planned-run.js";
import type { SlotLimits } from "./server-slots.js";
import type { SweepFolder } from "./sweep-folder.js";

/** What a launcher works with. */
export interface LaunchContext {
  readonly folder: SweepFolder;
  /** The sweep as its files tell it now. */
  readonly read: () => Promise<SweepReading>;
  readonly limits: SlotLimits & {
    /** At once. */
    readonly runs: number;
  };
  readonly signal: AbortSignal;
  /** Between two looks at runs that others work on, milliseconds. */
  readonly pollMs: number;
}

/** A run's place in a reading of its sweep. */
export const readingOf = ({ runs }: SweepReading, { name }: { readonly name: string }): SweepRunReading =>
  runs.find((one) => one.name === name)!;

/** The process of this machine that writes the run; null if none does, or none that can be looked into. */
export async function writerOf({ path }: Pick<PlannedRun, "path">): Promise<number | null> {
  const holder = await lockHolder(runPaths(path).lock);
  return holder?.state === "alive" ? holder.process.pid : null;
}

/** Whether the run's own journal says, since it was handed to a scheduler, how it ended. */
export function jobIsOver({ run, state, launchedAt }: SweepRunReading): boolean {
  const last = run?.journal.findLast(({ event }) => event !== "commit");
  return state.status === "done" || (last?.event === "ended" && launchedAt !== null && last.at > launchedAt);
}

/** Writes down the end of jobs that ended while nobody followed them. */
export async function settleJobs(runs: readonly PlannedRun[], { read, folder }: LaunchContext): Promise<void> {
  const reading = await read();
  for (const run of runs) {
    const { job, ...rest } = readingOf(reading, run);
    if (job && jobIsOver({ ...rest, job })) await folder.ended(run.name, null);
  }
}
