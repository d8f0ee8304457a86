import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { EnvironmentError, InterruptedError } from "../errors.js";
import { explainEarlyExit, type ProcessEnd } from "./early-exit.js";
import { findPython } from "./find-python.js";
import { PACKAGE_ROOT } from "./package-root.js";
import { serverArguments, type ServerProcessOptions } from "./server-arguments.js";
import { processesEnvironment } from "./server-command.js";
import { servingAddress } from "./serving-address.js";
import { stopProcess } from "./stop-process.js";

const STOP_GRACE_MS = 10_000;

export interface LocalServer {
  /** host:port. */
  readonly address: string;
  /** Random; a client sends it as a bearer token. */
  readonly token: string;
  readonly pid: number;
  /** Resolves when the process has ended, however it did. */
  readonly ended: Promise<void>;
  /** Ends the server: SIGTERM, then SIGKILL after ten seconds. Can be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts the Python model server on this machine and waits until it serves. It ends with this process however that ends,
 * because it watches its standard input, whose other end nobody else holds.
 * @throws EnvironmentError if the port is in use, the interpreter lacks the server's packages, or the server ends or
 * stays silent for `options.startTimeoutMs` before it serves; InterruptedError.
 */
export const startLocalServer = async (request: {
  readonly options: ServerProcessOptions;
  /** What "checkpoints/NAME" is below: a folder of the run directory. */
  readonly checkpointRoot: string;
  /** What "stages/NAME" is below: a folder of the cache, shared by runs. */
  readonly stageRoot: string;
  /** Appended to; its folder is made. */
  readonly logFile: string;
  /** Further arguments and variables of this server alone. */
  readonly serverArguments?: readonly string[] | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<LocalServer> => {
  const { options, logFile, signal } = request;
  const python = findPython(options.python);
  const token = randomBytes(32).toString("base64url");
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a");
  const logStart = fstatSync(log).size;

  const child = spawn(python, serverArguments(options, request, request.serverArguments), {
    // The log file itself, not a pipe through this process: the log is complete even if this process dies.
    stdio: ["pipe", "pipe", log],
    // Its own process group: Ctrl-C is for the orchestrator, which finishes its iteration first.
    detached: true,
    env: {
      ...processesEnvironment(options.processes ?? 1, process.env),
      ...request.environment,
      DRPO_SERVER_TOKEN: token,
      PYTHONPATH: pythonPath(),
      PYTHONUNBUFFERED: "1",
    },
  }) as ChildProcessByStdio<Writable, Readable, null>;
  closeSync(log);
  const ended = processEnd(child);
  // Writing to a server that is gone is no error of its own.
  child.stdin.on("error", () => undefined);

  const stop = () => stopProcess(child, ended, STOP_GRACE_MS);
  const failed = ended.then((end) => {
    throw explainEarlyExit({ ...end, python, logFile, logStart });
  });
  const impatience = givenUp(options.startTimeoutMs, logFile, signal);
  try {
    const address = await Promise.race([servingAddress(child.stdout), failed, impatience.rejection]);
    return { address, token, pid: child.pid ?? 0, ended: ended.then(() => undefined), stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    impatience.cancel();
    failed.catch(() => undefined);
  }
};

/** How a child ended, or why it could not be started; never rejects. */
const processEnd = (child: ChildProcess): Promise<ProcessEnd> =>
  new Promise((resolve) => {
    child.once("exit", (exitCode, killedBy) => resolve({ exitCode, killedBy }));
    child.once("error", (spawnError) => resolve({ exitCode: null, killedBy: null, spawnError }));
  });

const pythonPath = (): string =>
  [join(PACKAGE_ROOT, "server-images"), process.env["PYTHONPATH"]].filter(Boolean).join(delimiter);

/** Rejects when the user asks to stop, or after the start timeout. */
const givenUp = (startTimeoutMs: number, logFile: string, signal: AbortSignal | undefined) => {
  let cancel = (): void => undefined;
  const rejection = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new EnvironmentError(
            `The model server did not serve within ${startTimeoutMs / 1000} s. Log: ${logFile}. Raise server.startTimeoutMs if the ` +
              `machine is slow.`,
          ),
        ),
      startTimeoutMs,
    );
    const onAbort = () =>
      reject(new InterruptedError("Interrupted while the model server was starting. Nothing was changed."));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    cancel = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
  });
  rejection.catch(() => undefined);
  return { rejection, cancel };
};
