import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { identityOf, type ProcessIdentity } from "../../durable-files/process-identity.js";
import { EnvironmentError, InterruptedError } from "../../errors.js";
import { explainEarlyExit, type ProcessEnd } from "../early-exit.js";
import { parseServingLine } from "../serving-address.js";
import { signalGroup } from "./stop-detached-process.js";

const POLL_MS = 100;

export interface StartedProcess {
  /** host:port, as the server said it. */
  readonly address: string;
  readonly process: ProcessIdentity;
}

/**
 * Starts a server that outlives this process, and waits until it serves. What it says, the line with its address too,
 * goes to the log.
 * @throws BadInputError or EnvironmentError if it ends before it serves, or takes longer than it may: it is then ended;
 * InterruptedError
 */
export async function startDetachedProcess(request: {
  readonly python: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Appended to; for its user alone. */
  readonly log: string;
  readonly startTimeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<StartedProcess> {
  const { python, args, environment, cwd, log, startTimeoutMs, signal } = request;
  const output = openSync(log, "a", 0o600);
  const logStart = fstatSync(output).size;
  const child = spawn(python, args, { stdio: ["ignore", output, output], detached: true, env: environment, cwd });
  closeSync(output);
  let end: ProcessEnd | undefined;
  const ended = endOf(child).then((value) => (end = value));
  const identity = child.pid === undefined ? null : await identityOf(child.pid);
  const giveUpAt = Date.now() + startTimeoutMs;
  try {
    for (;;) {
      // Looked at before the log is: a server that has ended will say no more.
      const earlyEnd = end;
      const address = await saidAddress(log, logStart);
      if (address !== undefined && identity !== null) {
        child.unref();
        return { address, process: identity };
      }
      if (earlyEnd !== undefined) throw explainEarlyExit({ ...earlyEnd, python, logFile: log, logStart });
      if (signal.aborted) throw new InterruptedError("Interrupted while the server was starting: it was ended again.");
      if (Date.now() > giveUpAt) throw tooSlow(startTimeoutMs, log);
      await Promise.race([ended, delay(POLL_MS, undefined, { signal }).catch(() => undefined)]);
    }
  } catch (error) {
    if (child.pid !== undefined && end === undefined) signalGroup(child.pid, "SIGKILL");
    await ended;
    throw error;
  }
}

const endOf = (child: ChildProcess): Promise<ProcessEnd> =>
  new Promise((resolve) => {
    child.once("exit", (exitCode, killedBy) => resolve({ exitCode, killedBy }));
    child.once("error", (spawnError) => resolve({ exitCode: null, killedBy: null, spawnError }));
  });

/** The address in the log from an offset on, once the whole line is there. */
async function saidAddress(log: string, from: number): Promise<string | undefined> {
  const file = await open(log, "r");
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(Math.max(0, size - from)), 0, undefined, from);
    const lines = buffer.toString("utf8").split("\n").slice(0, -1);
    return lines.map(parseServingLine).find((address) => address !== undefined);
  } finally {
    await file.close();
  }
}

const tooSlow = (startTimeoutMs: number, log: string): EnvironmentError =>
  new EnvironmentError(
    `The server did not serve within ${startTimeoutMs / 1000} s, so it was ended. Log: ${log}. If it was only slow, raise ` +
      `--start-timeout.`,
  );
