import { setTimeout as delay } from "node:timers/promises";
import PQueue from "p-queue";
import { lockHolder } from "../durable-files/process-lock.js";
import { runPaths } from "../run/run-files.js";
import type { SweepReading, SweepRunReading } from "../run/read-sweep.js";
import { sweepPaths } from "../run/sweep-files.js";
import { explainEnd } from "./explain-end.js";
import type { PlannedRun } from "./planned-run.js";
import { runProcess, type ProcessRequest } from "./run-process.js";
import { serverSlots, type SlotLimits } from "./server-slots.js";
import type { SweepFolder } from "./sweep-folder.js";

const POLL_MS = 500;

/** What a launcher works with. */
export interface LaunchContext {
  readonly folder: SweepFolder;
  /** The sweep as its files tell it now. */
  readonly read: () => Promise<SweepReading>;
  readonly signal: AbortSignal;
}

export interface LocalLaunch extends LaunchContext {
  readonly limits: SlotLimits & { readonly runs: number };
  /** How the program `drpo` is started for these arguments. */
  readonly processOf: (run: PlannedRun, args: readonly string[]) => Omit<ProcessRequest, "log" | "signal">;
}

/**
 * Runs processes, as many at once as the limits say, until each has ended in whatever way or the signal is aborted. A run
 * that another process works on, such as one that outlived an earlier sweep, is waited for and not started again.
 * @param runs in the order in which they are to be started
 */
export async function launchLocally(runs: readonly PlannedRun[], context: LocalLaunch): Promise<void> {
  const { limits, signal } = context;
  const slots = serverSlots(limits);
  const queue = new PQueue({ concurrency: limits.runs });
  await Promise.all(
    runs.map((run) =>
      // A run that has a server waits for its turn; the other way round it would keep others from theirs.
      slots.withServer(run.server, (address) =>
        queue.add(async () => {
          if (!signal.aborted) await runToItsEnd(run, address, context);
        }),
      ),
    ),
  );
}

async function runToItsEnd(run: PlannedRun, address: string | null, context: LocalLaunch): Promise<void> {
  const { folder, processOf, read, signal } = context;
  const log = sweepPaths(folder.directory).log(run.name);
  for (;;) {
    if (await waitForOthers(run, signal)) {
      const { status } = readingOf(await read(), run).state;
      if (status === "done" || status === "failed") return;
    }
    if (signal.aborted) return;
    await folder.launched(run.name, null);
    const { said, ...end } = await runProcess({ ...processOf(run, run.args(address)), log, signal });
    // A process that an earlier sweep had just started can take the run before ours does, which then gives way.
    const isTaken = (await holderOf(run)) !== null;
    await folder.ended(run.name, isTaken ? null : explainEnd(end, said));
    if (!isTaken) return;
  }
}

/** Waits while another process has the run. @returns whether one had it */
async function waitForOthers(run: PlannedRun, signal: AbortSignal): Promise<boolean> {
  if ((await holderOf(run)) === null) return false;
  const interrupt = () => void interruptHolder(run);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    while ((await holderOf(run)) !== null) await delay(POLL_MS);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
  return true;
}

/** The process that writes the run; null if none does, or none that can be looked into: then ours will say so. */
async function holderOf(run: PlannedRun): Promise<number | null> {
  const holder = await lockHolder(runPaths(run.path).lock);
  return holder?.state === "alive" ? holder.process.pid : null;
}

/** Ctrl-C of a sweep is for all its runs, also for those that an earlier sweep has started. */
async function interruptHolder(run: PlannedRun): Promise<void> {
  const pid = await holderOf(run);
  if (pid !== null) process.kill(pid, "SIGINT");
}

/** A run's place in a reading of its sweep. */
export const readingOf = ({ runs }: SweepReading, { name }: { readonly name: string }): SweepRunReading =>
  runs.find((one) => one.name === name)!;
