import { resolve } from "node:path";
import { Command } from "commander";
import { BadInputError, EnvironmentError } from "../../errors.js";
import { catchInterrupts } from "../catch-interrupts.js";
import { type CommandContext, printJson } from "../command-context.js";
import { formatServer } from "./format-server.js";
import { readRemoteServer, readServer, type ServerReading } from "./read-server.js";
import { findStarted, isAddress, startedServers } from "./started-servers.js";

interface StatusOptions {
  readonly tlsCa?: string;
  readonly json?: boolean;
}

/** `drpo serve status`: how servers are. */
export const statusCommand = (context: CommandContext): Command =>
  new Command("status")
    .summary("show servers: those that were started here, or any by its address")
    .description(
      "Shows address, engine, device, memory, loaded bases, and process or container. Exit code 3 if one of them does not " +
        "serve. The token of a server that was not started here is read from DRPO_SERVER_TOKEN.",
    )
    .argument("[servers...]", "names, or addresses HOST:PORT (default: all that were started here)")
    .option("--tls-ca <file>", "certificate authority of servers that are given by their address (PEM)")
    .option("--json", "print it as JSON on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo serve status\n  $ drpo serve status default gpu1.example:50051 --tls-ca ca.crt\n",
    )
    .action(async (names: readonly string[], options: StatusOptions) => {
      const { signal, release } = catchInterrupts(context);
      try {
        const servers = await readServers(context, { names, options, signal });
        if (options.json) printJson(context, { servers });
        else if (servers.length === 0)
          context.stdout.write("No server was started here. Start one: drpo serve start\n");
        else context.stdout.write(`${servers.map((server) => formatServer(server, context)).join("\n\n")}\n`);
        const silent = servers.filter(({ info }) => info === null).length;
        if (silent > 0) throw new EnvironmentError(`${silent} of ${servers.length} servers do not serve.`);
      } finally {
        release();
      }
    });

async function readServers(
  context: CommandContext,
  request: { readonly names: readonly string[]; readonly options: StatusOptions; readonly signal: AbortSignal },
): Promise<readonly ServerReading[]> {
  const { names, options, signal } = request;
  const tlsCa = options.tlsCa === undefined ? null : resolve(context.cwd, options.tlsCa);
  if (tlsCa !== null && !names.some(isAddress))
    throw new BadInputError("--tls-ca is for servers that are given by their address; of the others it is known.");
  if (names.length === 0) {
    const records = await startedServers(context).list();
    return Promise.all(records.map((record) => readServer(context, record, { signal })));
  }
  // All names are found before any server is asked.
  const asks = await Promise.all(
    names.map(async (name) => {
      if (isAddress(name)) return () => readRemoteServer(context, name, { tlsCa, signal });
      const record = await findStarted(context, name);
      return () => readServer(context, record, { signal });
    }),
  );
  return Promise.all(asks.map((ask) => ask()));
}
