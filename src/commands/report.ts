import { resolve } from "node:path";
import { Command } from "commander";
import { type CommandContext, printJson } from "./command-context.js";
import { packageVersion } from "./package-version.js";
import { shownPath } from "./shown-path.js";

interface ReportCommandOptions {
  readonly to?: string;
  readonly pictures?: boolean;
  readonly json?: boolean;
}

/** `drpo report`: report.html, report.md and report.json from the files of runs. */
export const reportCommand = (context: CommandContext): Command =>
  new Command("report")
    .summary("write a report of runs or of a sweep: a page, Markdown, figures")
    .description(
      "Writes report.html, report.md and report.json of one run, of several, or of a sweep, from their files, be they " +
        "under way, interrupted or finished. Runs that differ only in their seed are one group.",
    )
    .argument("<folders...>", "folders of runs or of sweeps, or that hold them")
    .option("--to <folder>", "where the report goes (default: the folder of the run or sweep; of several, report/)")
    .option("--pictures", "also write the paper's figures as SVG files, which the Markdown shows")
    .option("--json", "print the paths, the states of the runs and what could not be read as JSON on standard output")
    .addHelpText(
      "after",
      "\nExamples:\n  $ drpo report runs/reviews-seed1\n  $ drpo report runs/ablation\n" +
        "  $ drpo report runs/ppo-seed1 runs/drpo-seed1 --to comparison\n",
    )
    .action(async (folders: readonly string[], options: ReportCommandOptions) => {
      const directories = folders.map((folder) => resolve(context.cwd, folder));
      const to = options.to ?? (directories.length > 1 ? "report" : undefined);
      // Drawing takes longer to load than most commands take to run.
      const { writeReport } = await import("../report/write-report.js");
      const written = await writeReport({
        ...{ directories, relativeTo: context.cwd, withPictures: options.pictures },
        version: packageVersion(),
        to: to === undefined ? undefined : resolve(context.cwd, to),
      });
      const { page, markdown, figures, pictures, report } = written;
      if (options.json) {
        const runs = report.runs.map(({ name, directory, group, seed, status }) => ({
          name,
          directory,
          group,
          seed,
          status,
        }));
        printJson(context, { report: page, markdown, figures, pictures, runs, problems: report.problems });
        return;
      }
      for (const problem of report.problems) context.stderr.write(`${problem}\n`);
      context.stdout.write(`Report: ${shownPath(page, context.cwd)}\n`);
    });
