import type { ClosableProgress } from "../loggers/closable-progress.js";
import { createProgress } from "../loggers/create-progress.js";
import { type CommandContext, useColor } from "./command-context.js";

/** Progress on standard error: standard output is for results. */
export const progressOf = (context: CommandContext): ClosableProgress =>
  createProgress(context.stderr, {
    useColor: useColor(context.stderr, context),
    isDumb: context.environment["TERM"] === "dumb",
  });
