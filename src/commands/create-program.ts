import { Command } from "commander";
import type { CommandContext } from "./command-context.js";
import { dashboardCommand } from "./dashboard.js";
import { doctorCommand } from "./doctor/doctor.js";
import { evaluateCommand } from "./evaluate.js";
import { exportCommand } from "./export/export.js";
import { judgeCommand } from "./judge.js";
import { logMetricsCommand } from "./log-metrics.js";
import { packageVersion } from "./package-version.js";
import { reportCommand } from "./report.js";
import { sampleCommand } from "./sample.js";
import { serveCommand } from "./serve/serve.js";
import { studyCommand } from "./study.js";
import { sweepCommand } from "./sweep.js";
import { trainCommand } from "./train.js";

/** The `drpo` command. What it throws is CommanderError for wrong usage, and what the commands throw. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("drpo")
    .description("Reinforcement learning from human feedback with dataset resets (DR-PO, arXiv 2404.08495).")
    .version(packageVersion(), "--version")
    // Needed by commands with subcommands of their own: what stands after a name belongs to it.
    .enablePositionalOptions()
    .addHelpText(
      "after",
      "\nExample:\n  $ drpo train recipes/reviews.json\n\nExit codes: 0 done; 1 the run failed; " +
        "2 bad input; 3 the environment; 130 interrupted and resumable.\n",
    );
  const commands = [
    trainCommand,
    sweepCommand,
    serveCommand,
    evaluateCommand,
    sampleCommand,
    exportCommand,
    doctorCommand,
    judgeCommand,
    reportCommand,
    dashboardCommand,
    studyCommand,
    logMetricsCommand,
  ];
  for (const command of commands) program.addCommand(command(context));
  for (const command of withSubcommands(program)) {
    command
      .exitOverride()
      .showHelpAfterError("(--help says more)")
      .configureOutput({
        writeOut: (text) => void context.stdout.write(text),
        writeErr: (text) => void context.stderr.write(text),
      });
  }
  return program;
}

const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)];

/** Commands that have nothing but what they print. */
const ONLY_PRINT: ReadonlySet<string> = new Set(["sample", "doctor", "status", "logs"]);

/** Whether a command's result stays somewhere (in files, as a server that goes on), be it printed or not. */
export const resultIsKept = (command: Command): boolean =>
  !ONLY_PRINT.has(command.name()) && command.opts()["dryRun"] !== true;
