import { EXIT_CODE } from "../errors.js";
import type { CommandContext } from "./command-context.js";

/**
 * Turns the first Ctrl-C (or SIGTERM) into an abort, so that what is under way can end well; a second one ends this
 * process at once, and with it a local server.
 * @param options.notice what is then said; null where stopping is what the user does to end it well
 */
export function catchInterrupts(
  { stderr }: CommandContext,
  { notice = "Stopping; once more ends it at once." }: { readonly notice?: string | null } = {},
): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(EXIT_CODE.interrupted);
    if (notice !== null) stderr.write(`\n${notice}\n`);
    controller.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
