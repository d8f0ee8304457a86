import { resolve } from "node:path";
import { Command } from "commander";
import { BadInputError, EnvironmentError } from "../../errors.js";
import { type CommandContext, colorsOf, printJson } from "../command-context.js";
import {
  checkAssets,
  checkCache,
  checkDisk,
  checkMemory,
  checkNode,
  checkPort,
  checkPython,
  checkRecipe,
  type Finding,
} from "./doctor-checks.js";
import { cacheFolder } from "../open-model-server.js";
import { collect } from "../option-parsers.js";
import { checkServers } from "./check-servers.js";
import { locateServer } from "./locate-server.js";
import { findPython } from "../../server/find-python.js";

interface DoctorOptions {
  readonly server?: readonly string[];
  readonly base?: string;
  readonly tlsCa?: string;
  readonly json?: boolean;
}

/** `drpo doctor`: is everything there that a run needs, and if not, what to do. */
export const doctorCommand = (context: CommandContext): Command =>
  new Command("doctor")
    .summary("check that everything is there that a run needs")
    .description(
      "Checks Node, Python and its packages, memory, disk, cache, ports, a recipe's files and servers, and says how to fix each " +
        "problem. Of a server it shows what it can do and has loaded, and what it makes of a fixed text; two servers with one " +
        "base must agree about that. Exit code 3: something that a run needs is missing; what only the quickstart needs is a hint.",
    )
    .argument("[recipe]", "also check this recipe and the files that it names")
    .option(
      "--server <server>",
      "also check a running model server, HOST:PORT or the name of one that drpo serve started; can be repeated. The token " +
        "of an address is read from DRPO_SERVER_TOKEN",
      collect,
    )
    .option(
      "--base <dir>",
      "base for the log-probabilities of the text, on the servers (default: one that they have loaded)",
    )
    .option("--tls-ca <file>", "certificate authority of servers that are given by their address (PEM)")
    .option("--json", "print the findings as JSON on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo doctor\n  $ drpo doctor recipe.json\n  $ drpo doctor --server 127.0.0.1:50051\n" +
        "  $ drpo doctor --server trainer --server sampler --base /data/bases/pythia\n",
    )
    .action(async (recipe: string | undefined, options: DoctorOptions) => {
      const { environment, cwd } = context;
      if (options.server === undefined && (options.base ?? options.tlsCa) !== undefined)
        throw new BadInputError("--base and --tls-ca are for servers: add --server.");
      const servers = await Promise.all((options.server ?? []).map((name) => locateServer(context, name, options)));
      const findings: readonly Finding[] = [
        checkNode(process.versions.node),
        await checkPython(() => findPython(undefined, environment), environment),
        checkMemory(),
        checkDisk(cwd),
        await checkCache(() => cacheFolder(context)),
        await checkPort(),
        recipe === undefined ? checkAssets() : await checkRecipe(resolve(cwd, recipe)),
        ...(await checkServers(servers, options.base)),
      ];
      const problems = findings.filter(({ isOk }) => !isOk).length;
      if (options.json) printJson(context, { isOk: problems === 0, findings });
      else printFindings(context, findings);
      if (problems > 0) throw new EnvironmentError(`${problems} of ${findings.length} checks found a problem.`);
    });

function printFindings(context: CommandContext, findings: readonly Finding[]): void {
  const { green, red, yellow } = colorsOf(context.stdout, context);
  for (const { name, isOk, found, mend, hint } of findings) {
    const status = !isOk ? red("problem") : hint === undefined ? green("ok     ") : yellow("hint   ");
    const advice = mend ?? hint;
    context.stdout.write(`${status} ${name}: ${found}${advice === undefined ? "" : `\n        ${advice}`}\n`);
  }
}
