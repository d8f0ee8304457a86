#!/usr/bin/env node
import { CommanderError } from "commander";
import { createProgram, resultIsKept } from "./commands/create-program.js";
import { fileError } from "./durable-files/file-error.js";
import { DrpoError, EXIT_CODE } from "./errors.js";

/** Says what went wrong, and turns an error's class into the exit code. */
function exitCodeOf(thrown: unknown): number {
  // Commander has said it already; --help and --version are no errors.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.badInput;
  const error = asFileError(thrown);
  if (error instanceof DrpoError) {
    process.stderr.write(`drpo: ${error.message}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`drpo: a bug, please report it:\n${stack}\n`);
  return EXIT_CODE.failed;
}

/** A file operation that failed as the machine did not let us is no bug, wherever it was. */
function asFileError(error: unknown): unknown {
  const { syscall, path } = (error ?? {}) as { readonly syscall?: unknown; readonly path?: unknown };
  if (typeof syscall !== "string") return error;
  return fileError(error, `calling ${syscall}${typeof path === "string" ? ` of ${path}` : ""}`);
}

let isKept = false;
let lost: NodeJS.ErrnoException | undefined;
// Nothing that is only shown can end a run: a reader that goes away, a full disk under a log.
process.stderr.on("error", () => undefined);
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  lost ??= error;
  // A reader that has seen enough (`| head`) is no error, and nothing is left to do for who has only something to show.
  if (error.code === "EPIPE" && !isKept) process.exit(EXIT_CODE.done);
});

async function run(): Promise<number> {
  const { stdin, stdout, stderr, env: environment } = process;
  const program = createProgram({ stdin, stdout, stderr, environment, cwd: process.cwd() });
  program.hook("preAction", (_, command) => {
    isKept = resultIsKept(command);
  });
  try {
    await program.parseAsync();
    return EXIT_CODE.done;
  } catch (error) {
    return exitCodeOf(error);
  } finally {
    // What is still on its way to it has then arrived, or failed.
    await new Promise<void>((resolve) => stdout.write("", () => resolve()));
  }
}

process.exitCode = await run();
if (lost !== undefined && lost.code !== "EPIPE") {
  const what = isKept ? "the result was not shown, but it is kept" : "the result is lost";
  process.stderr.write(`drpo: Standard output could not be written (${lost.code}): ${what}.\n`);
  if (!isKept && process.exitCode === EXIT_CODE.done) process.exitCode = EXIT_CODE.environment;
}
