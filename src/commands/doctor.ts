import { Command } from "commander";
import { EnvironmentError } from "../errors.js";
import { type CommandContext, colorsOf, printJson } from "./command-context.js";
import {
  checkAssets,
  checkDisk,
  checkMemory,
  checkNode,
  checkPort,
  checkPython,
  checkServer,
  type Finding,
} from "./doctor-checks.js";
import { findPython } from "../server/find-python.js";

interface DoctorOptions {
  readonly server?: string;
  readonly tlsCa?: string;
  readonly json?: boolean;
}

/** `drpo doctor`: is everything there that a run needs, and if not, how to mend it. */
export const doctorCommand = (context: CommandContext): Command =>
  new Command("doctor")
    .summary("check that everything is there that a run needs")
    .description(
      "Checks Node, Python and its packages, memory, disk, ports, assets and a server, and says how to mend each.",
    )
    .option(
      "--server <address>",
      "also check a running model server, HOST:PORT; its token is read from DRPO_SERVER_TOKEN",
    )
    .option("--tls-ca <file>", "certificate authority of that server (PEM)")
    .option("--json", "print the findings as JSON on standard output")
    .addHelpText("after", "\nExamples:\n  $ drpo doctor\n  $ drpo doctor --server 127.0.0.1:50051\n")
    .action(async (options: DoctorOptions) => {
      const { environment, cwd } = context;
      const token = environment["DRPO_SERVER_TOKEN"];
      const findings: readonly Finding[] = [
        checkNode(process.versions.node),
        await checkPython(() => findPython(undefined, environment), environment),
        checkMemory(),
        checkDisk(cwd),
        await checkPort(),
        checkAssets(),
        ...(options.server === undefined
          ? []
          : [await checkServer({ address: options.server, token, tlsCa: options.tlsCa })]),
      ];
      const problems = findings.filter(({ isOk }) => !isOk).length;
      if (options.json) printJson(context, { isOk: problems === 0, findings });
      else printFindings(context, findings);
      if (problems > 0) throw new EnvironmentError(`${problems} of ${findings.length} checks found a problem.`);
    });

function printFindings(context: CommandContext, findings: readonly Finding[]): void {
  const { green, red } = colorsOf(context.stdout, context);
  for (const { name, isOk, found, mend } of findings) {
    const status = isOk ? green("ok     ") : red("problem");
    context.stdout.write(`${status} ${name}: ${found}${mend === undefined ? "" : `\n        ${mend}`}\n`);
  }
}
