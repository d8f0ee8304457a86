import { resolve } from "node:path";
import { Command } from "commander";
import { writeReport } from "../report/write-report.js";
import { type CommandContext, printJson } from "./command-context.js";
import { shownPath } from "./shown-path.js";

/** `drpo report`: report.html from a run's files. */
export const reportCommand = (context: CommandContext): Command =>
  new Command("report")
    .summary("write report.html of a run again")
    .description("Writes report.html of a run from its files, be the run under way, interrupted or finished.")
    .argument("<run-dir>", "folder of the run")
    .option("--json", "print where it is as JSON on standard output")
    .addHelpText("after", "\nExample:\n  $ drpo report runs/reviews-seed1\n")
    .action(async (runDirectory: string, options: { readonly json?: boolean }) => {
      const report = await writeReport({ directory: resolve(context.cwd, runDirectory) });
      if (options.json) printJson(context, { report });
      else context.stdout.write(`Report: ${shownPath(report, context.cwd)}\n`);
    });
