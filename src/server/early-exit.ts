import { readFileSync } from "node:fs";
import { packagedFile } from "../config/packaged-file.js";
import { BadInputError, type DrpoError, EnvironmentError } from "../errors.js";

/** The server's own exit code for a port in use, a device that is not there or a damaged checkpoint root. */
const ENVIRONMENT = 3;
/** ... and for arguments that it does not take. */
const BAD_ARGUMENTS = 2;
const LAST_LINES = 12;

/** How the server's process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  /** Name of the signal that ended it. */
  readonly killedBy: string | null;
  /** It could not be started at all. */
  readonly spawnError?: Error;
}

/** A server that ended before it served. */
export interface EarlyExit extends ProcessEnd {
  readonly python: string;
  readonly logFile: string;
  /** Bytes that were in the log file before this server wrote to it. */
  readonly logStart: number;
}

/** The error of a server that ended before it served: what it said last, where all of it is, and what to do. */
export const explainEarlyExit = (exit: EarlyExit): DrpoError => {
  if (exit.spawnError !== undefined) {
    return new EnvironmentError(
      `Cannot run ${exit.python}: ${exit.spawnError.message}. Run ${packagedFile("scripts/setup")}, or set DRPO_PYTHON.`,
    );
  }
  const said = readFileSync(exit.logFile).subarray(exit.logStart).toString("utf8").trimEnd().split("\n");
  const lastLines = said.slice(-LAST_LINES).join("\n");
  const missing = /(No module named .*)/.exec(lastLines)?.[1];
  if (missing !== undefined) {
    return new EnvironmentError(
      `${exit.python} cannot run the model server (${missing}). Run ${packagedFile("scripts/setup")}, or set DRPO_PYTHON ` +
        "to an interpreter that has its packages.",
    );
  }
  const { code, reason } = ofTorchrun(said) ?? { code: exit.exitCode, reason: said.at(-1) };
  if (code === BAD_ARGUMENTS) return new BadInputError(`The model server refused: ${reason}`);
  if (code === ENVIRONMENT) {
    return new EnvironmentError(`The model server could not start: ${reason}. Log: ${exit.logFile}`);
  }
  const how = exit.killedBy === null ? `with exit code ${exit.exitCode}` : `by ${exit.killedBy}`;
  return new EnvironmentError(`The model server ended ${how} before it served. Log: ${exit.logFile}\n${lastLines}`);
};

/**
 * Of several processes, which torchrun started: what the first that failed said, and the code that it ended with.
 * torchrun itself says more after it, and always ends with 1.
 */
const ofTorchrun = (said: readonly string[]): { readonly code: number; readonly reason: string } | undefined => {
  for (const line of said) {
    const [, reason, code] = /^process \d+ cannot start: (.*) \(exit code (\d+)\)$/.exec(line) ?? [];
    if (reason !== undefined) return { code: Number(code), reason };
  }
  return undefined;
};
