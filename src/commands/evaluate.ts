import { Command } from "commander";
import { InterruptedError } from "../errors.js";
import type { ClosableProgress } from "../loggers/closable-progress.js";
import { keepEvaluation } from "../run/keep-evaluation.js";
import { catchInterrupts } from "./catch-interrupts.js";
import type { CommandContext } from "./command-context.js";
import { evaluateRun } from "./evaluate-run.js";
import { collect } from "./option-parsers.js";
import { packageVersion } from "./package-version.js";
import { type EvaluationPlan, planEvaluation } from "./plan-evaluation.js";
import { type EvaluatedRun, printEvaluation } from "./print-evaluation.js";
import { progressOf } from "./progress-of.js";

interface EvaluateOptions {
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** `drpo evaluate`: the last stage of a run, again. */
export const evaluateCommand = (context: CommandContext): Command =>
  new Command("evaluate")
    .summary("evaluate a run again, with more responses, other judges or other data")
    .description(
      "Samples SFT and the best policy of a run on held-out prompts, scores and judges them, and writes the run's evaluation " +
        "and its report again. The rest of the run is only read. While another process trains the run, the result is printed " +
        "and not kept. Answers of a judge that is a service are kept: asked once, they are not asked again.",
    )
    .argument("<run-dir>", "folder of the run")
    .option(
      "--set <path=value>",
      "set one value of the recipe's evaluation, as JSON or as text; can be repeated",
      collect,
    )
    .option("--json", "print the result as JSON on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ drpo evaluate runs/reviews-seed1 --set evaluation.rollouts=1000
  $ drpo evaluate runs/reviews-seed1 --set 'evaluation.against=["sft","reference"]' --set evaluation.temperature=0.5
`,
    )
    .action(async (runDirectory: string, options: EvaluateOptions) => {
      const plan = await planEvaluation(runDirectory, options.set ?? [], context);
      const progress = progressOf(context);
      const { signal, release } = catchInterrupts(context);
      try {
        const result = await evaluate(context, plan, { progress, signal });
        progress.close();
        printEvaluation(context, result, options.json ?? false);
      } finally {
        progress.close();
        release();
      }
    });

async function evaluate(
  context: CommandContext,
  plan: EvaluationPlan,
  session: { readonly progress: ClosableProgress; readonly signal: AbortSignal },
): Promise<EvaluatedRun> {
  const { directory, reading } = plan;
  if (reading.state.status === "running") session.progress.note(NOT_KEPT);
  try {
    const { evaluation, rows } = await evaluateRun(context, plan, session);
    const isKept = await keepEvaluation(directory, evaluation, rows);
    if (!isKept) session.progress.note(NOT_KEPT);
    return { directory, report: isKept ? await report(directory, context.cwd) : null, evaluation, rows };
  } catch (error) {
    if (!session.signal.aborted) throw error;
    throw new InterruptedError("Interrupted. The run's evaluation is as it was; the same command begins anew.", {
      cause: error,
    });
  }
}

const NOT_KEPT =
  "another process works on the run, and will write an evaluation of its own: this one is printed and not kept";

/** Drawing is loaded only where something is drawn. */
async function report(directory: string, cwd: string): Promise<string> {
  const { writeReport } = await import("../report/write-report.js");
  return (await writeReport({ directories: [directory], version: packageVersion(), relativeTo: cwd })).page;
}
