import { setTimeout as delay } from "node:timers/promises";
import { fileErrorCode } from "../../durable-files/file-error.js";
import { processState, type ProcessIdentity } from "../../durable-files/process-identity.js";
import { EnvironmentError } from "../../errors.js";

const POLL_MS = 50;

/** "gone": it had ended before. */
export type StopOutcome = "stopped" | "killed" | "gone";

/**
 * Ends a server that was started detached: SIGTERM, upon which calls under way have five seconds, and SIGKILL for its
 * whole process group if it is still there after `graceMs`.
 * @throws EnvironmentError if it runs on another machine or belongs to another user
 */
export async function stopDetachedProcess(process_: ProcessIdentity, graceMs: number): Promise<StopOutcome> {
  const state = await processState(process_);
  if (state === "dead") return "gone";
  if (state === "unknown")
    throw new EnvironmentError(
      `Process ${process_.pid} runs on ${process_.host}, or in another container: stop it there.`,
    );
  signal(process_.pid, "SIGTERM");
  if (await endsWithin(process_, graceMs)) return "stopped";
  signalGroup(process_.pid, "SIGKILL");
  await endsWithin(process_, Infinity);
  return "killed";
}

/** Signals a process and its children. One that is gone is no error. */
export const signalGroup = (pid: number, name: NodeJS.Signals): void => signal(-pid, name);

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (fileErrorCode(error) === "ESRCH") return;
    throw new EnvironmentError(`Process ${Math.abs(pid)} cannot be stopped: it belongs to another user.`, {
      cause: error,
    });
  }
}

async function endsWithin(process_: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const giveUpAt = Date.now() + milliseconds;
  while ((await processState(process_)) === "alive") {
    if (Date.now() > giveUpAt) return false;
    await delay(POLL_MS);
  }
  return true;
}
