import { Command, Option } from "commander";
import { BadInputError } from "../../errors.js";
import type { StopOutcome } from "../../server/detached/stop-detached-process.js";
import { type CommandContext, printJson } from "../command-context.js";
import { wholeNumber } from "../option-parsers.js";
import { endServer } from "./end-server.js";
import { refuseAddress } from "./refuse-address.js";
import { DEFAULT_NAME, findStarted, startedServers } from "./started-servers.js";

interface StopOptions {
  readonly all?: boolean;
  /** Seconds. */
  readonly grace: number;
  readonly json?: boolean;
}

const WORDS: Readonly<Record<StopOutcome, string>> = {
  stopped: "stopped",
  killed: "killed, as it did not end in time",
  gone: "had ended already",
};

/** `drpo serve stop`: ends servers that were started here. */
export const stopCommand = (context: CommandContext): Command =>
  new Command("stop")
    .summary("stop servers that were started here")
    .description(
      "Ends a server: calls under way have five seconds; one that is still there after --grace is killed. Checkpoints stay. A server " +
        "elsewhere is stopped where it was started.",
    )
    .argument("[names...]", `which (default: ${DEFAULT_NAME})`)
    .option("--all", "all that were started here")
    .addOption(new Option("--grace <seconds>", "how long it may take to end").argParser(wholeNumber(0)).default(20))
    .option("--json", "print what became of each as JSON on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo serve stop\n  $ drpo serve stop sampler-1 sampler-2\n  $ drpo serve stop --all\n",
    )
    .action(async (names: readonly string[], options: StopOptions) => {
      if (options.all === true && names.length > 0) throw new BadInputError("--all: leave the names out.");
      for (const name of names) refuseAddress(name, "it is stopped where it was started");
      const records = startedServers(context);
      const servers =
        options.all === true
          ? await records.list()
          : await Promise.all((names.length > 0 ? names : [DEFAULT_NAME]).map((name) => findStarted(context, name)));
      const ended = await Promise.all(
        servers.map(async (record) => {
          const outcome = await endServer(context, record, options.grace * 1000);
          await records.remove(record.name);
          if (options.json !== true) context.stdout.write(`${record.name}: ${WORDS[outcome]}\n`);
          return { name: record.name, outcome };
        }),
      );
      if (options.json) printJson(context, { servers: ended });
      else if (ended.length === 0) context.stdout.write("No server was started here.\n");
    });
