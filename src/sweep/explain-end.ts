import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { EXIT_CODE } from "../errors.js";

const LAST_BYTES = 8192;

/** How a run's process ended. */
export interface ProcessEnd {
  /** Undefined if a signal ended it, or if it could not be started. */
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** Why it could not be started. */
  readonly spawnError?: string | undefined;
}

/**
 * Why a run's process failed, in a line or a few; null if it did not: it is through, or was interrupted and can go on.
 * @param said what it last said, as `lastWords` gives it
 */
export function explainEnd({ exitCode, signal, spawnError }: ProcessEnd, said: string): string | null {
  if (exitCode === EXIT_CODE.done || exitCode === EXIT_CODE.interrupted) return null;
  if (spawnError !== undefined) return `It could not be started: ${spawnError}`;
  const last = said === "" ? "" : ` It last said: ${said}`;
  if (signal === "SIGKILL") return `Killed by SIGKILL, which the system sends when memory runs out.${last}`;
  if (signal !== undefined) return `Ended by ${signal}.${last}`;
  return said === "" ? `It ended with exit code ${exitCode} and said nothing.` : said;
}

/**
 * The end of a log: from the last error message on, or else its last line; empty if there is no log.
 * @param from bytes that were in the log before
 */
export async function lastWords(log: string, from: number): Promise<string> {
  if (!existsSync(log)) return "";
  const file = await open(log, "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - LAST_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(size - start, 0)), 0, null, start);
    const lines = buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n");
    const error = lines.findLastIndex((line) => line.startsWith("drpo: "));
    return error === -1
      ? lines.at(-1)!
      : lines
          .slice(error)
          .join("\n")
          .replace(/^drpo: /, "");
  } finally {
    await file.close();
  }
}
