import { hostname } from "node:os";
import { Argument, Command, Option } from "commander";
import { EnvironmentError } from "../../errors.js";
import { containerCli } from "../../server/containers/container-cli.js";
import { followFile } from "../../server/detached/follow-file.js";
import { catchInterrupts } from "../catch-interrupts.js";
import type { CommandContext } from "../command-context.js";
import { wholeNumber } from "../option-parsers.js";
import { refuseAddress } from "./refuse-address.js";
import { DEFAULT_NAME, findStarted, placeState } from "./started-servers.js";

interface LogsOptions {
  readonly follow?: boolean;
  readonly lines?: number;
}

/** `drpo serve logs`: what a server wrote. */
export const logsCommand = (context: CommandContext): Command =>
  new Command("logs")
    .summary("print what a server wrote")
    .description("Prints the log of a server that was started here. The log of one elsewhere is where it was started.")
    .addArgument(new Argument("[name]", "which").default(DEFAULT_NAME))
    .option("-f, --follow", "go on until the server ends, or Ctrl-C")
    .addOption(new Option("-n, --lines <count>", "only the last so many lines").argParser(wholeNumber(1)))
    .addHelpText("after", "\nExample:\n  $ drpo serve logs --follow --lines 20\n")
    .action(async (name: string, options: LogsOptions) => {
      refuseAddress(name, "its log is where it was started");
      const record = await findStarted(context, name);
      const { place } = record;
      const { signal, release } = catchInterrupts(context, { notice: null });
      try {
        if (place.kind === "process") {
          const hasEnded = async () => options.follow !== true || (await placeState(context, record)) === "ended";
          const onData = (data: Uint8Array) => void context.stdout.write(data);
          await followFile(place.log, { ...options, onData, hasEnded, signal });
          return;
        }
        if (place.host !== hostname())
          throw new EnvironmentError(`${name} is a container of ${place.host}: ask there.`);
        const args = [
          ...(options.follow === true ? ["--follow"] : []),
          ...(options.lines === undefined ? [] : [`--tail=${options.lines}`]),
        ];
        await containerCli(place.tool, context.environment).show(["logs", ...args, place.id], signal);
      } finally {
        release();
      }
    });
