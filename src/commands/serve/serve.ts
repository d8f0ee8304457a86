import { Command } from "commander";
import { BadInputError } from "../../errors.js";
import { runForegroundServer } from "../../server/foreground-server.js";
import { moduleArguments, serverCommand } from "../../server/server-command.js";
import { catchInterrupts } from "../catch-interrupts.js";
import { type CommandContext, printJson } from "../command-context.js";
import { logsCommand } from "./logs.js";
import { addServerOptions, serverArguments, type ServerOptions } from "./server-options.js";
import { startCommand } from "./start.js";
import { statusCommand } from "./status.js";
import { stopCommand } from "./stop.js";

interface ServeOptions extends ServerOptions {
  readonly json?: boolean;
}

/** `drpo serve`: a model server in the foreground, and its subcommands for servers in the background. */
export const serveCommand = (context: CommandContext): Command =>
  addServerOptions(new Command("serve"))
    .summary("run a model server for others")
    .description(
      "Runs a model server in the foreground until Ctrl-C. Calls must carry the token of $DRPO_SERVER_TOKEN, if it is set; " +
        'a recipe names the server by "server": { "kind": "remote", "address": "HOST:PORT" }. With start, the server goes on ' +
        "in the background, as a process or in a container.",
    )
    .option("--json", "print the address as JSON on standard output")
    // What stands after the name of a subcommand is its own.
    .enablePositionalOptions()
    .hook("preSubcommand", (serve, subcommand) => refuseMisplaced(serve, subcommand))
    .addHelpText(
      "after",
      "\nExamples:\n  $ DRPO_SERVER_TOKEN=... drpo serve --port 50051 --checkpoint-root /data/checkpoints\n" +
        "  $ drpo serve start\n  $ drpo serve status\n",
    )
    .action(async (options: ServeOptions) => {
      const places = {
        ...{ host: options.host, port: options.port },
        checkpointRoot: options.checkpointRoot ?? "drpo-server/checkpoints",
        stageRoot: options.stageRoot ?? "drpo-server/stages",
      };
      const { signal, release } = catchInterrupts(context);
      try {
        await runForegroundServer({
          ...serverCommand(options, context.environment),
          args: [...moduleArguments(options.processes), ...serverArguments(options, places)],
          signal,
          onServing: (address) => {
            if (options.json) printJson(context, { address });
            else context.stdout.write(`Serving on ${address}\n`);
          },
        });
      } finally {
        release();
      }
    })
    .addCommand(startCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(logsCommand(context))
    .addCommand(stopCommand(context));

/** An option before the subcommand's name would be the foreground's, and be ignored. */
function refuseMisplaced(serve: Command, subcommand: Command): void {
  const misplaced = serve.options.find((option) => serve.getOptionValueSource(option.attributeName()) === "cli");
  if (misplaced === undefined) return;
  throw new BadInputError(`${misplaced.long}: options of drpo serve ${subcommand.name()} stand after its name.`);
}
