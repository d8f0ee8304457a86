import { join, resolve } from "node:path";
import { Command } from "commander";
import { resolveRecipe } from "../config/load-recipe.js";
import { BadInputError } from "../errors.js";
import { readRun } from "../run/read-run.js";
import { type CommandContext, printJson } from "./command-context.js";
import { createLoggers } from "./create-loggers.js";
import { collect } from "./option-parsers.js";
import { readLoggedRun } from "./read-logged-run.js";
import { registeredRecipeSchema } from "./registry.js";

interface LogMetricsOptions {
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const EXAMPLE_LOGGERS = `--set 'loggers=[{"kind":"tensorboard"}]'`;

/** `drpo log-metrics`: what a run measured, to its loggers once more. */
export const logMetricsCommand = (context: CommandContext): Command =>
  new Command("log-metrics")
    .summary("send a run's metrics to its loggers again")
    .description(
      "Sends recipe, metrics and evaluation of a run to its loggers (TensorBoard, Weights & Biases) again: after one failed, " +
        "or to one that the run did not have. Nothing is doubled.",
    )
    .argument("<run-dir>", "folder of the run")
    .option("--set <loggers=value>", "other loggers than those of the run's recipe", collect)
    .option("--json", "print what was sent as JSON on standard output")
    .addHelpText(
      "after",
      `\nExamples:\n  $ drpo log-metrics runs/reviews-seed1\n  $ drpo log-metrics runs/reviews-seed1 ${EXAMPLE_LOGGERS}\n`,
    )
    .action(async (runDirectory: string, options: LogMetricsOptions) => {
      const directory = resolve(context.cwd, runDirectory);
      const sent = await logMetrics(context, directory, options.set ?? []);
      if (options.json) printJson(context, { runDirectory: directory, ...sent });
      else context.stdout.write(`${sent.lines} lines of metrics sent to ${sent.loggers.join(" and ")}\n`);
    });

async function logMetrics(context: CommandContext, directory: string, set: readonly string[]) {
  const { record, state, evaluation } = await readRun(directory);
  if (state.status === "running") {
    throw new BadInputError(`The run in ${directory} is under way, and logs by itself. Try again when it has ended.`);
  }
  const source = { raw: record.recipe, name: join(directory, "recipe.json"), folder: context.cwd };
  const loggers = await createLoggers(resolveRecipe(source, registeredRecipeSchema, { set }), context.environment);
  if (loggers.length === 0)
    throw new BadInputError(`The recipe of ${directory} has no loggers. Name some: ${EXAMPLE_LOGGERS}`);

  const run = await readLoggedRun(directory, (line) => void context.stderr.write(`${line}\n`));
  await Promise.all(
    loggers.map(async (logger) => {
      await logger.start(run);
      if (evaluation) await logger.logEvaluation(evaluation);
      await logger.close({ isDone: state.status === "done" });
    }),
  );
  return { loggers: loggers.map(({ kind }) => kind), lines: run.history.length, evaluation: evaluation !== null };
}
