import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { lockHolder } from "../durable-files/process-lock.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import type { SweepRunReading } from "../run/read-sweep.js";
import { runPaths } from "../run/run-files.js";
import { sweepPaths } from "../run/sweep-files.js";
import { lastWords } from "./explain-end.js";
import { jobIsOver, type LaunchContext, readingOf, settleJobs, writerOf } from "./launch-context.js";
import type { PlannedRun } from "./planned-run.js";
import type { RunPlace } from "./run-command.js";
import { hasEnded, type SlurmQueue } from "./slurm-queue.js";
import { type SlurmArray, type SlurmOptions, slurmOutput, slurmScript } from "./slurm-script.js";

/** Slurm is asked once in so many looks at the runs' folders, which say almost all there is to know. */
const LOOKS_PER_QUESTION = 10;
/** So often in a row must a task be missing: one that was just submitted may not be there yet. */
const MISSING = 2;

export interface SlurmLaunch extends LaunchContext {
  readonly options: SlurmOptions;
  readonly place: RunPlace;
  readonly queue: SlurmQueue;
  readonly onSubmit: (jobId: string, runs: number) => void;
}

/**
 * Submits runs as job arrays, those left out that an earlier sweep submitted and Slurm still has, and follows them by their
 * folders until each has ended. An abort ends the following alone: the jobs are Slurm's.
 * @throws EnvironmentError if sbatch refuses
 */
export async function launchOnSlurm(runs: readonly PlannedRun[], context: SlurmLaunch): Promise<void> {
  const { read, signal, pollMs } = context;
  await settleJobs(runs, context);
  const watch = new QueueWatch(context.queue);
  let waiting = runs;
  for (let look = 0; waiting.length > 0 && !signal.aborted; look++) {
    const reading = await read();
    const asked = look % LOOKS_PER_QUESTION === 0;
    if (asked) await watch.ask(waiting.flatMap((run) => readingOf(reading, run).job ?? []));
    const unsubmitted: PlannedRun[] = [];
    const stillWaiting: PlannedRun[] = [];
    for (const run of waiting) {
      const fate = await fateOf(readingOf(reading, run), watch, context);
      if (fate === "unsubmitted") unsubmitted.push(run);
      if (fate !== "ended") stillWaiting.push(run);
    }
    await submit(unsubmitted, context);
    waiting = stillWaiting;
    if (waiting.length > 0) await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** What Slurm said of tasks, and how often in a row it did not know one. */
class QueueWatch {
  private states: ReadonlyMap<string, string> = new Map();
  private readonly missed = new Map<string, number>();

  constructor(private readonly queue: SlurmQueue) {}

  async ask(jobs: readonly { readonly name: string }[]): Promise<void> {
    if (jobs.length === 0) return;
    const states = await this.queue.tasks([...new Set(jobs.map(({ name }) => arrayOf(name)))]);
    if (states === null) return;
    this.states = states;
    for (const { name } of jobs) this.missed.set(name, states.has(name) ? 0 : (this.missed.get(name) ?? 0) + 1);
  }

  /** How the task ended; null if Slurm has it, or has not been asked often enough. */
  endOf(task: string): string | null {
    const state = this.states.get(task);
    if (state !== undefined) return hasEnded(state) ? state : null;
    return (this.missed.get(task) ?? 0) >= MISSING ? "UNKNOWN" : null;
  }
}

const arrayOf = (task: string): string => task.slice(0, task.lastIndexOf("_"));

/** Whether a run is through, has to be submitted, or is Slurm's. Its end is written down. */
async function fateOf(
  reading: SweepRunReading,
  watch: QueueWatch,
  context: SlurmLaunch,
): Promise<"ended" | "unsubmitted" | "slurm"> {
  const { name, state, job, directory } = reading;
  const { folder } = context;
  // Somebody's own process, or one that a local sweep has left, is waited for.
  const isWritten = (await writerOf({ path: directory })) !== null;
  if (!job) return state.status === "done" ? "ended" : isWritten ? "slurm" : "unsubmitted";
  if (jobIsOver(reading)) {
    await folder.ended(name, null);
    return "ended";
  }
  const end = watch.endOf(job.name);
  if (end === null || isWritten) return "slurm";
  if (state.status === "waiting" && job.id === null && end === "UNKNOWN") {
    // The sweep was killed before sbatch took it.
    await folder.ended(name, null);
    return "unsubmitted";
  }
  await freeLock(reading);
  await folder.ended(name, await explainTask(reading, { job: job.name, end }, context));
  return "ended";
}

/** Slurm has no such task any more, so nobody has the run, though its lock names a process that cannot be looked into. */
async function freeLock({ directory }: SweepRunReading): Promise<void> {
  const { lock } = runPaths(directory);
  if ((await lockHolder(lock))?.state === "unknown") await rm(lock, { recursive: true, force: true });
}

async function explainTask(
  { name, job }: SweepRunReading,
  { job: task, end }: { readonly job: string; readonly end: string },
  { place }: SlurmLaunch,
): Promise<string> {
  const { log } = sweepPaths(place.directory);
  const output = slurmOutput(place.directory, arrayOf(task), task.slice(task.lastIndexOf("_") + 1));
  const said = (await lastWords(output, 0)) || (await lastWords(log(name), 0)) || "nothing";
  const how = end === "UNKNOWN" ? "is not in Slurm's queue any more" : `ended as ${end}`;
  return `Slurm job ${job?.id ?? task} ${how}. It last said: ${said}`;
}

/** Each server has an array of its own, so that Slurm keeps its limit. */
async function submit(runs: readonly PlannedRun[], context: SlurmLaunch): Promise<void> {
  const { folder, place, options, queue, onSubmit } = context;
  for (const array of arraysOf(runs, context.limits)) {
    const { jobs } = sweepPaths(folder.directory);
    await mkdir(jobs, { recursive: true });
    const script = join(jobs, `${array.jobName}.sh`);
    await writeFileAtomically(script, slurmScript(array, options, place));
    const launched = async (id: string | null) => {
      for (const [i, run] of array.runs.entries())
        await folder.launched(run.name, { name: `${array.jobName}_${i}`, id: id === null ? null : `${id}_${i}` });
    };
    await launched(null);
    try {
      // A percent sign of the path itself is written twice.
      const output = slurmOutput(folder.directory.replaceAll("%", "%%"), array.jobName, "%a");
      const id = await queue.submit(script, output);
      await launched(id);
      onSubmit(id, array.runs.length);
    } catch (error) {
      for (const run of array.runs) await folder.ended(run.name, null);
      throw error;
    }
  }
}

function arraysOf(runs: readonly PlannedRun[], limits: SlurmLaunch["limits"]): readonly SlurmArray[] {
  const shared = runs.filter(({ server }) => server === "shared");
  const others = runs.filter(({ server }) => server !== "shared");
  const servers = limits.servers.slice(0, limits.runs);
  const perServer = Math.max(1, Math.min(limits.runsPerServer, Math.floor(limits.runs / servers.length)));
  const arrays = [
    { runs: others, atOnce: Math.min(limits.runs, limits.localServers), address: null },
    ...servers.map((address, i) => ({
      runs: shared.filter((_, j) => j % servers.length === i),
      atOnce: perServer,
      address,
    })),
  ];
  return arrays
    .filter((array) => array.runs.length > 0)
    .map((array) => ({ ...array, jobName: `drpo-${randomBytes(6).toString("hex")}` }));
}
