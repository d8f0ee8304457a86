import { tryLock, waitForLock, type LockHolder, type ProcessLock } from "../durable-files/process-lock.js";
import { EnvironmentError, InterruptedError } from "../errors.js";
import { runPaths } from "./run-files.js";

/** The lock of a run's writer. @throws EnvironmentError naming the process that has it */
export async function lockRun(directory: string): Promise<ProcessLock> {
  const result = await tryLock(runPaths(directory).lock);
  if ("lock" in result) return result.lock;
  throw isBeingWritten(directory, result.holder);
}

/**
 * The same, for who writes a file or two: another such writer is waited for, one that trains is not.
 * @param patience ends the wait
 * @throws EnvironmentError naming the process that has it
 */
export async function waitForRun(directory: string, patience: AbortSignal): Promise<ProcessLock> {
  try {
    return await waitForLock(runPaths(directory).lock, { signal: patience });
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    return lockRun(directory);
  }
}

function isBeingWritten(directory: string, { process, state }: LockHolder): EnvironmentError {
  return new EnvironmentError(
    state === "alive"
      ? `The run in ${directory} is being written by process ${process.pid}. Wait until it ends, or stop it ` +
          `(kill ${process.pid}). Another run goes into another folder: drpo train RECIPE --run-dir DIR.`
      : `The run in ${directory} was opened by process ${process.pid} on ${process.host}, another machine or container, ` +
          `which cannot be looked into from here. If that process has ended, delete ${runPaths(directory).lock} and try again.`,
  );
}
