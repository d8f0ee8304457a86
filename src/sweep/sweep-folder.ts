import { mkdir, readdir, stat } from "node:fs/promises";
import { openAppendLog, type AppendLog } from "../durable-files/append-log.js";
import { fileError, fileErrorCode } from "../durable-files/file-error.js";
import { tryLock, type ProcessLock } from "../durable-files/process-lock.js";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { BadInputError, EnvironmentError } from "../errors.js";
import { readStoredSweep } from "../run/read-sweep.js";
import {
  type LaunchEntry,
  type StoredSweep,
  storedSweepSchema,
  type StoredSweepRun,
  sweepPaths,
} from "../run/sweep-files.js";
import { sweepDifferences } from "./sweep-differences.js";

const SHOWN_DIFFERENCES = 10;

/** A sweep's folder, held by this process. */
export interface SweepFolder {
  /** Absolute. */
  readonly directory: string;
  /**
   * The run is started as a process, or handed to a scheduler under this name; again when the job's id is known. On disk
   * when the promise is kept.
   */
  launched(run: string, job?: { readonly name: string; readonly id: string | null }): Promise<void>;
  /** Its process or job is gone. @param message why it failed, null if it did not */
  ended(run: string, message: string | null): Promise<void>;
  close(): Promise<void>;
}

/**
 * What would keep the sweep from using the folder: nothing is changed.
 * @returns what is stored there; null if nothing is
 * @throws BadInputError if the folder holds something else, or the sweep is not the one that began there
 */
export async function checkSweepFolder(
  directory: string,
  runs: readonly StoredSweepRun[],
): Promise<StoredSweep | null> {
  const stored = await readStoredSweep(directory);
  if (!stored) {
    await refuseOtherFiles(directory);
    return null;
  }
  const differences = sweepDifferences(stored.runs, runs);
  if (differences.length === 0) return stored;
  const shown = differences.slice(0, SHOWN_DIFFERENCES);
  if (differences.length > shown.length) shown.push(`and ${differences.length - shown.length} more`);
  throw new BadInputError(
    `The sweep in ${directory} began with other runs:\n  ${shown.join("\n  ")}\n` +
      "Put back what they were (runs may be added), or start a new sweep with another name or --run-dir.",
  );
}

/**
 * Opens the folder, made if it is not there: one process at a time.
 * @throws EnvironmentError if another process works on this sweep (it is named); BadInputError as `checkSweepFolder`
 */
export async function openSweepFolder(request: {
  /** Absolute. */
  readonly directory: string;
  readonly name: string;
  readonly runs: readonly StoredSweepRun[];
  readonly now?: () => Date;
}): Promise<SweepFolder> {
  const { directory, name, runs, now = () => new Date() } = request;
  await checkSweepFolder(directory, runs);
  const paths = sweepPaths(directory);
  try {
    await mkdir(paths.logs, { recursive: true });
    const lock = await lockSweep(directory);
    try {
      const stored = await checkSweepFolder(directory, runs);
      const createdAt = stored?.createdAt ?? now().toISOString();
      const sweep: StoredSweep = storedSweepSchema.parse({ name, createdAt, directory, runs });
      await writeFileAtomically(paths.sweep, `${JSON.stringify(sweep, null, 2)}\n`);
      // A last line that was cut off by a crash never happened.
      const { completeBytes } = await readJsonLines(paths.launches);
      const log = await openAppendLog(paths.launches, { durable: true, keepBytes: completeBytes });
      return openFolder({ directory, lock, log, now });
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw fileError(error, `opening the sweep's folder ${directory}`);
  }
}

function openFolder({
  directory,
  lock,
  log,
  now,
}: {
  readonly directory: string;
  readonly lock: ProcessLock;
  readonly log: AppendLog;
  readonly now: () => Date;
}): SweepFolder {
  const append = (entry: LaunchEntry) => log.append(entry);
  return {
    directory,
    launched: (run, job) =>
      append({ event: "launched", at: now().toISOString(), run, job: job?.name ?? null, jobId: job?.id ?? null }),
    ended: (run, message) => append({ event: "ended", at: now().toISOString(), run, message }),
    async close() {
      await log.close();
      await lock.release();
    },
  };
}

async function refuseOtherFiles(directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = (await stat(directory)).isDirectory() ? await readdir(directory) : [directory];
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return;
    throw fileError(error, `opening the sweep's folder ${directory}`);
  }
  // What a process that was killed at once leaves.
  const visible = names.filter((name) => !name.startsWith(".") && name !== "logs");
  if (visible.length > 0) {
    throw new BadInputError(
      `${directory} holds other files (${visible.slice(0, 3).join(", ")}) and no sweep. Name a new or an empty folder with --run-dir.`,
    );
  }
}

async function lockSweep(directory: string): Promise<ProcessLock> {
  const { lock: folder } = sweepPaths(directory);
  const result = await tryLock(folder);
  if ("lock" in result) return result.lock;
  const { process, state } = result.holder;
  throw new EnvironmentError(
    state === "alive"
      ? `Process ${process.pid} works on the sweep in ${directory}. Wait until it ends, or stop it (kill -INT ${process.pid}).`
      : `The sweep in ${directory} was opened by process ${process.pid} on ${process.host}, another machine or container, ` +
          `which cannot be looked into from here. If that process has ended, delete ${folder} and try again.`,
  );
}
