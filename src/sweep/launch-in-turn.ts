import { setTimeout as delay } from "node:timers/promises";
import PQueue from "p-queue";
import type { SweepRunReading } from "../run/read-sweep.js";
import { type LaunchContext, readingOf, settleJobs, writerOf } from "./launch-context.js";
import type { PlannedRun } from "./planned-run.js";
import { serverSlots } from "./server-slots.js";

/** A way to start a run and to see it to its end. */
export interface Starter {
  /**
   * Writes down that it starts the run, and resolves when it has ended, or when the signal is aborted and it will.
   * @returns why it failed; null if it did not
   */
  start(run: PlannedRun, address: string | null): Promise<string | null>;
  /** The same for a run that an earlier sweep handed to a scheduler. */
  follow?(run: PlannedRun, job: NonNullable<SweepRunReading["job"]>): Promise<string | null>;
}

/**
 * Starts runs one after the other, as many at once as the limits say, until each has ended in whatever way or the signal is
 * aborted. A run that another process works on, such as one that outlived an earlier sweep, is waited for and not started
 * again.
 * @param runs in the order in which they are to be started
 */
export async function launchInTurn(
  runs: readonly PlannedRun[],
  starter: Starter,
  context: LaunchContext,
): Promise<void> {
  const { limits, signal } = context;
  await settleJobs(runs, context);
  const slots = serverSlots(limits);
  const queue = new PQueue({ concurrency: limits.runs });
  const ended = await Promise.allSettled(
    runs.map((run) =>
      // A run that has a server waits for its turn; the other way round it would keep others from theirs.
      slots.withServer(run.server, (address) =>
        queue.add(async () => {
          if (!signal.aborted) await runToItsEnd(run, { address, starter, context });
        }),
      ),
    ),
  );
  // What keeps one from being started (a full disk) is no reason to leave the others alone.
  const failed = ended.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

async function runToItsEnd(
  run: PlannedRun,
  request: { readonly address: string | null; readonly starter: Starter; readonly context: LaunchContext },
): Promise<void> {
  const { address, starter, context } = request;
  const { folder, read, signal } = context;
  const readingNow = async () => readingOf(await read(), run);
  const { job } = await readingNow();
  if (job && starter.follow) {
    const failure = await starter.follow(run, job);
    if (!signal.aborted) await folder.ended(run.name, failure);
    return;
  }
  for (;;) {
    if (await waitForOthers(run, context)) {
      const { status } = (await readingNow()).state;
      if (status === "done" || status === "failed") return;
    }
    if (signal.aborted) return;
    const failure = (await starter.start(run, address)) ?? unbegun((await readingNow()).state.status, signal);
    // What a scheduler has goes on without us.
    if (signal.aborted && (await readingNow()).job) return;
    // A process that an earlier sweep had just started can take the run before ours does, which then gives way.
    const isTaken = (await writerOf(run)) !== null;
    await folder.ended(run.name, isTaken ? null : failure);
    if (!isTaken) return;
  }
}

/** A command can end well without having done anything. */
const unbegun = (status: SweepRunReading["state"]["status"], { aborted }: AbortSignal): string | null =>
  status === "waiting" && !aborted ? "What was to start it ended, and there is no run." : null;

/** Waits while another process has the run. @returns whether one had it */
async function waitForOthers(run: PlannedRun, { signal, pollMs }: LaunchContext): Promise<boolean> {
  if ((await writerOf(run)) === null) return false;
  const interrupt = () => void interruptWriter(run);
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    while ((await writerOf(run)) !== null) await delay(pollMs);
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
  return true;
}

/** Ctrl-C of a sweep is for all its runs, also for those that an earlier sweep has started. */
async function interruptWriter(run: PlannedRun): Promise<void> {
  const pid = await writerOf(run);
  if (pid !== null) process.kill(pid, "SIGINT");
}
