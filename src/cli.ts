#!/usr/bin/env node
import { CommanderError } from "commander";
import { createProgram } from "./commands/create-program.js";
import { DrpoError, EXIT_CODE } from "./errors.js";

/** Says what went wrong, and turns an error's class into the exit code. */
function exitCodeOf(error: unknown): number {
  // Commander has said it already; --help and --version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.badInput;
  if (error instanceof DrpoError) {
    process.stderr.write(`drpo: ${error.message}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(`drpo: a bug, please report it:\n${stack}\n`);
  return EXIT_CODE.failed;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT_CODE.done);
  throw error;
});

const { stdin, stdout, stderr, env: environment } = process;
try {
  await createProgram({ stdin, stdout, stderr, environment, cwd: process.cwd() }).parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
