import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { directoryStageCache } from "../cache/directory-stage-cache.js";
import type { Evaluation } from "../domain/evaluation.js";
import { BadInputError, InterruptedError } from "../errors.js";
import type { ClosableProgress } from "../loggers/closable-progress.js";
import { openRunDirectory, type OpenRunDirectory } from "../run/open-run-directory.js";
import { readEvaluationRows } from "../run/read-evaluation.js";
import { runPaths } from "../run/run-files.js";
import { runRecipe } from "../stages/run-recipe.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { type CommandContext, printJson } from "./command-context.js";
import { formatPlan, planAsJson } from "./format-plan.js";
import { cacheDirectory, openModelServer } from "./open-model-server.js";
import { describeSamplers } from "./open-samplers.js";
import { collect, wholeNumber } from "./option-parsers.js";
import { packageVersion } from "./package-version.js";
import { planTraining, type TrainingOptions, type TrainingPlan } from "./plan-training.js";
import { printEvaluation } from "./print-evaluation.js";
import { progressOf } from "./progress-of.js";
import { readLoggedRun } from "./read-logged-run.js";
import { createAlgorithm } from "./registry.js";
import { shownPath } from "./shown-path.js";
import { unfailingLoggers, withLoggers } from "./unfailing-loggers.js";
import { watchSplits } from "./watch-splits.js";

interface TrainOptions extends TrainingOptions {
  readonly startOrResume?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `drpo train`: a recipe from data to evaluation. */
export const trainCommand = (context: CommandContext): Command =>
  new Command("train")
    .summary("run a recipe: SFT, reward model, policy, evaluation")
    .description(
      "Runs a recipe: SFT, reward model, policy optimisation with dataset resets, evaluation. Stages whose outputs are in the " +
        "cache are reused. Ctrl-C leaves a run that --resume goes on with.",
    )
    .argument("[recipe]", "JSON file; with --resume and --run-dir it can be left out")
    .option("--run-dir <dir>", "folder of the run (default: runs/NAME-seedSEED, and what --set changes)")
    .option("--seed <number>", "seed of the run and of all its stages", wholeNumber(0))
    .option("--set <path=value>", "set one value of the recipe, as JSON or as text; can be repeated", collect)
    .option("--resume", "go on with the run in the folder")
    .option(
      "--start-or-resume",
      "go on with the run in the folder if there is one, else start it: for jobs and scripts",
    )
    .option("--dry-run", "print what would run, and start nothing")
    .option("--json", "print the result as JSON on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ drpo train recipes/reviews.json
  $ drpo train recipes/reviews.json --seed 2 --set policy.reset.proportion=0 --run-dir runs/ppo
  $ drpo train --resume --run-dir runs/ppo
`,
    )
    .action(async (recipePath: string | undefined, options: TrainOptions) => {
      const plan = await planTraining(recipePath, options, context);
      if (options.dryRun) {
        if (options.json) printJson(context, planAsJson(plan));
        else context.stdout.write(`${formatPlan(plan, context.cwd)}\n`);
        return;
      }
      const progress = progressOf(context);
      const { signal, release } = catchInterrupts(context);
      try {
        const resume =
          options.resume ?? (options.startOrResume === true && existsSync(runPaths(plan.directory).recipe));
        const evaluation = await train(context, plan, { resume, progress, signal });
        progress.close();
        // Drawing is loaded only where something is drawn.
        const { writeReport } = await import("../report/write-report.js");
        const { page: report } = await writeReport({
          ...{ directories: [plan.directory], version: packageVersion(), relativeTo: context.cwd },
        });
        const { sft, policy } = await readEvaluationRows(plan.directory);
        const result = { directory: plan.directory, report, evaluation, rows: { sft, policy } };
        printEvaluation(context, result, options.json ?? false);
      } finally {
        progress.close();
        release();
      }
    });

interface Session {
  readonly resume: boolean;
  readonly progress: ClosableProgress;
  readonly signal: AbortSignal;
}

async function train(context: CommandContext, plan: TrainingPlan, session: Session): Promise<Evaluation> {
  const { recipe, directory, hashes } = plan;
  const shown = shownPath(directory, context.cwd);
  const run = await openRunDirectory({
    ...{ directory, recipe, resume: session.resume, hashes },
    versions: { drpo: packageVersion(), node: process.versions.node },
  });
  const note = (line: string) => session.progress.note(line);
  const loggers = unfailingLoggers(plan.loggers, { sendAgain: `drpo log-metrics ${shown}`, warn: note });
  let isDone = false;
  try {
    note(`run: ${shown}`);
    await loggers.start(await readLoggedRun(directory, note));
    const evaluation = await trainOnServer(context, plan, session, withLoggers(run, loggers));
    await loggers.logEvaluation(evaluation);
    await run.end("done", null);
    isDone = true;
    return evaluation;
  } catch (error) {
    const outcome = error instanceof InterruptedError ? "interrupted" : "failed";
    await run.end(outcome, error instanceof Error ? error.message : String(error)).catch(() => undefined);
    throw error;
  } finally {
    await loggers.close({ isDone });
    await run.close();
  }
}

async function trainOnServer(
  context: CommandContext,
  { recipe, dataset, evaluationDataset, pool, cutFunction, rewardFunctions, judges, directory }: TrainingPlan,
  { progress, signal }: Session,
  run: OpenRunDirectory,
): Promise<Evaluation> {
  const { runId } = run;
  const splits = watchSplits(progress);
  const { server, info, samplers, stop } = await openModelServer(context, {
    ...{ options: recipe.server, base: recipe.model.base, runId, progress, signal, onSplit: splits.onSplit },
    ...{ checkpointRoot: join(directory, "checkpoints"), logFile: join(directory, "server.log") },
    samplersFolder: join(directory, "samplers"),
  });
  try {
    const { baseHash: base, tokenizerHash: tokenizer } = await server.tokenizer.info({ signal });
    const versions = {
      ...{ server: info.serverVersion, engine: info.engine },
      ...(samplers.length > 0 ? { samplers: describeSamplers(samplers) } : {}),
    };
    await run.record({ versions, hashes: { base, tokenizer } });
    const cache = directoryStageCache({
      directory: cacheDirectory(context),
      onWait: (stage, holder) =>
        progress.note(`${stage}: waiting for process ${holder.process.pid}, which computes the same`),
    });
    const algorithm = createAlgorithm(recipe);
    return await runRecipe({
      ...{
        recipe,
        dataset,
        evaluationDataset,
        pool,
        cutFunction,
        rewardFunctions,
        server,
        run: splits.inMetrics(run),
        cache,
        judges,
        algorithm,
        progress,
        signal,
      },
    });
  } catch (error) {
    throw withResumeAdvice(error, run, shownPath(directory, context.cwd), signal);
  } finally {
    await stop();
  }
}

/** The same error, and how to go on with a run that is worth it. */
function withResumeAdvice(error: unknown, run: OpenRunDirectory, directory: string, signal: AbortSignal): unknown {
  const commit = run.lastCommit();
  const advice =
    `${commit ? `Iteration ${commit.iteration} is committed` : "Finished stages are kept"}; ` +
    `go on with: drpo train --resume --run-dir ${directory}`;
  if (signal.aborted) return new InterruptedError(`Interrupted. ${advice}`, { cause: error });
  if (error instanceof BadInputError || !(error instanceof Error)) return error;
  error.message += `\n${advice}`;
  return error;
}
