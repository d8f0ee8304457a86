import { Command, Option } from "commander";
import { runForegroundServer } from "../server/foreground-server.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, printJson } from "./command-context.js";
import { collect, wholeNumber } from "./option-parsers.js";

interface ServeOptions {
  readonly python?: string;
  readonly preload?: readonly string[];
  readonly json?: boolean;
  /** What the server takes as it is. */
  readonly [passedOn: string]: unknown;
}

/** Options of `python -m drpo_server` that are passed on under their own names. */
const PASSED_ON = [
  new Option("--host <host>", "address to serve on; others than loopback need TLS and DRPO_SERVER_TOKEN").default(
    "127.0.0.1",
  ),
  new Option("--port <port>", "0: any free one").argParser(wholeNumber(0)).default(50051),
  new Option("--checkpoint-root <dir>", "where runs keep their checkpoints").default("drpo-server/checkpoints"),
  new Option("--stage-root <dir>", "where outputs of cached stages are kept").default("drpo-server/stages"),
  new Option("--device <device>", "torch device").default("cpu"),
  new Option("--dtype <type>", "type of the weights").choices(["float32", "bfloat16", "float64"]).default("float32"),
  new Option("--threads <count>", "CPU threads of one operator (default: one for each core)").argParser(wholeNumber(1)),
  new Option("--token-budget <count>", "most tokens of one micro-batch").argParser(wholeNumber(1)).default(2048),
  new Option("--tls-cert <file>", "certificate chain (PEM)"),
  new Option("--tls-key <file>", "private key (PEM)"),
];

/** `drpo serve`: a model server in the foreground, for orchestrators elsewhere. */
export const serveCommand = (context: CommandContext): Command => {
  const command = new Command("serve")
    .summary("run a model server for others")
    .description(
      "Runs a model server in the foreground until Ctrl-C. Calls must carry the token of $DRPO_SERVER_TOKEN, if it is set; " +
        'a recipe names the server by "server": { "kind": "remote", "address": "HOST:PORT" }.',
    );
  for (const option of PASSED_ON) command.addOption(option);
  return command
    .option("--preload <base>", "load this base before serving; can be repeated", collect)
    .option("--python <file>", "interpreter (default: $DRPO_PYTHON, then .venv, then python3)")
    .option("--json", "print the address as JSON on standard output")
    .addHelpText(
      "after",
      "\nExample:\n  $ DRPO_SERVER_TOKEN=... drpo serve --port 50051 --checkpoint-root /data/checkpoints\n",
    )
    .action(async (options: ServeOptions) => {
      const { signal, release } = catchInterrupts(context);
      try {
        await runForegroundServer({
          ...{ python: options.python, environment: context.environment, signal },
          serverArguments: serverArguments(options),
          onServing: (address) => {
            if (options.json) printJson(context, { address });
            else context.stdout.write(`Serving on ${address}\n`);
          },
        });
      } finally {
        release();
      }
    });
};

function serverArguments(options: ServeOptions): readonly string[] {
  const passedOn = PASSED_ON.flatMap((option) => {
    const value = options[option.attributeName()] as string | number | undefined;
    return value === undefined ? [] : [`${option.long}=${value}`];
  });
  return [...passedOn, ...(options.preload ?? []).map((base) => `--preload=${base}`)];
}
