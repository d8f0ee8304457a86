import { Argument, Command, Option } from "commander";
import type { ServerRecord } from "../../server/detached/server-record.js";
import { catchInterrupts } from "../catch-interrupts.js";
import { type CommandContext, printJson } from "../command-context.js";
import { positiveNumber } from "../option-parsers.js";
import { howToUse } from "./how-to-use.js";
import { formatServer } from "./format-server.js";
import { addServerOptions } from "./server-options.js";
import type { ServerReading } from "./read-server.js";
import type { StartOptions } from "./start-request.js";
import { startServer } from "./start-server.js";
import { DEFAULT_NAME } from "./started-servers.js";

/** `drpo serve start`: a server in the background. */
export const startCommand = (context: CommandContext): Command =>
  addServerOptions(new Command("start"))
    .summary("start a server in the background, and wait until it serves")
    .description(
      "Starts a model server that goes on after this command, as a process or in a container, waits until it serves, and says " +
        "how to use it. Calls must carry its token: that of $DRPO_SERVER_TOKEN, or one that is made and kept in a file that " +
        "only you can read.",
    )
    .addArgument(new Argument("[name]", "for status, logs and stop").default(DEFAULT_NAME))
    .addOption(new Option("--container <tool>", "in a container").choices(["docker", "podman"]))
    .option("--image <image>", "the container's (default: drpo-server of this version, for the engine and device)")
    .option("--bases <dir>", "with --container: folder of bases, which a recipe then calls /data/bases/NAME")
    .option("--tls-ca <file>", "certificate authority that clients trust, where --tls-cert is given (PEM)")
    .addOption(
      new Option("--start-timeout <seconds>", "how long it may take until it serves")
        .argParser(positiveNumber)
        .default(600),
    )
    .option("--json", "print where it is as JSON on standard output")
    .addHelpText(
      "after",
      "\nThe folders are drpo-server/NAME/checkpoints and .../stages, if not said otherwise.\n" +
        "\nExamples:\n  $ drpo serve start\n" +
        "  $ drpo serve start gpu --device cuda:0 --dtype bfloat16 --port 0\n" +
        "  $ drpo serve start box --container docker --bases /data/bases\n" +
        "  $ drpo serve start sampler --engine vllm --base /data/bases/pythia --weights-from /shared/checkpoints --port 0\n",
    )
    .action(async (name: string, options: StartOptions & { readonly json?: boolean }) => {
      const { signal, release } = catchInterrupts(context);
      try {
        const { record, reading } = await startServer(context, { name, options, signal });
        if (options.json) printJson(context, asJson(record, reading));
        else context.stdout.write(`${formatServer(reading, context)}\n\n${howToUse(record, reading)}\n`);
      } finally {
        release();
      }
    });

const asJson = (record: ServerRecord, reading: ServerReading) => ({
  ...{ name: record.name, address: reading.address, place: record.place, info: reading.info },
  ...{ checkpointRoot: record.checkpointRoot, stageRoot: record.stageRoot },
  ...{ tlsCa: record.tlsCa, tokenFile: record.tokenFile },
});
