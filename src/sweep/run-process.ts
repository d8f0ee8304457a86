import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { execa } from "execa";
import { fileErrorCode } from "../durable-files/file-error.js";
import { lastWords, type ProcessEnd } from "./explain-end.js";

/** A program and its arguments, and where it runs. */
export interface ProcessRequest {
  readonly program: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Appended to. */
  readonly log: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a program to its end, all that it says into a log. It is in a process group of its own: Ctrl-C reaches it through
 * us and once (an abort sends SIGINT), and it outlives us if we are killed.
 * @returns how it ended, and what it last said
 */
export async function runProcess(request: ProcessRequest): Promise<ProcessEnd & { readonly said: string }> {
  const { program, args, cwd, environment, signal } = request;
  // The file itself, not a pipe through us, so that the log is whole whatever becomes of us.
  const log = createWriteStream(request.log, { flags: "a" });
  await once(log, "open");
  const { size: from } = await stat(request.log);
  const child = execa(program, [...args], {
    ...({ stdin: "ignore", stdout: log, stderr: log, buffer: false, reject: false } as const),
    ...{ detached: true, cwd, extendEnv: false, env: { ...environment } },
  });
  const interrupt = () => interruptGroup(child.pid);
  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();
  // However we end: it goes on only if we cannot help it.
  process.once("exit", interrupt);
  try {
    const { exitCode, signal: endedBy, originalMessage } = await child;
    const spawnError = exitCode === undefined && endedBy === undefined ? (originalMessage ?? "unknown") : undefined;
    return { exitCode, signal: endedBy, spawnError, said: await lastWords(request.log, from) };
  } finally {
    signal.removeEventListener("abort", interrupt);
    process.off("exit", interrupt);
    log.destroy();
  }
}

/** A shell that was given a command does not pass signals on: the whole group gets it. */
function interruptGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGINT");
  } catch (error) {
    // It has ended.
    if (fileErrorCode(error) !== "ESRCH") throw error;
  }
}
