import { resolve } from "node:path";
import { Command } from "commander";
import { winRateTable } from "../report/win-rate-table.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, printJson, useColor } from "./command-context.js";
import { judgeRun } from "./judge-run.js";
import { collect } from "./option-parsers.js";
import { progressOf } from "./progress-of.js";
import { placeOption } from "./recipe-of-run.js";

interface JudgeCommandOptions {
  readonly against?: readonly string[];
  readonly judges?: string;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** `drpo judge`: verdicts on the stored responses of a run. */
export const judgeCommand = (context: CommandContext): Command =>
  new Command("judge")
    .summary("judge the stored responses of a run, again or against another run")
    .description(
      "Asks judges which of two stored responses is better: the policy's, or that of SFT, a person or another run. Against " +
        "people SFT's are judged, too. Verdicts go into the run's evaluation, in the place of those of the same judge, model " +
        "and opponent. Answers of a language model are kept: what was asked once is not asked again, and Ctrl-C or a kill " +
        "loses none.",
    )
    .argument("<run-dir>", "folder of the run")
    .option(
      "--against <opponent>",
      "sft, reference, or the folder of another run; can be repeated (default: as in the recipe)",
      collect,
    )
    .option("--judges <file>", "JSON list of judges, as evaluation.judges of a recipe (default: those of the recipe)")
    .addOption(placeOption())
    .option("--json", "print win rates and agreement as JSON on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ drpo judge runs/reviews-seed1 --against reference
  $ drpo judge runs/drpo --against runs/ppo --judges judges.json
`,
    )
    .action(async (runDirectory: string, { against, judges, set, json }: JudgeCommandOptions) => {
      const directory = resolve(context.cwd, runDirectory);
      const file = judges === undefined ? undefined : resolve(context.cwd, judges);
      const progress = progressOf(context);
      const { signal, release } = catchInterrupts(context);
      try {
        const evaluation = await judgeRun(context, { directory, against, judges: file, set }, { progress, signal });
        progress.close();
        const { winRates, agreement } = evaluation;
        if (json) printJson(context, { runDirectory: directory, winRates, agreement });
        else context.stdout.write(`${winRateTable(evaluation, { color: useColor(context.stdout, context) })}\n`);
      } finally {
        progress.close();
        release();
      }
    });
