import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";
import { evaluationTable, exampleLines } from "../report/evaluation-table.js";
import { exampleCount, examplePairs } from "../report/example-pairs.js";
import { type CommandContext, printJson, useColor } from "./command-context.js";
import { shownPath } from "./shown-path.js";

export interface EvaluatedRun {
  /** Absolute; of the run. */
  readonly directory: string;
  /** Absolute; null where nothing was written. */
  readonly report: string | null;
  readonly evaluation: Evaluation;
  readonly rows: Pick<EvaluationRows, "sft" | "policy">;
}

/** The result of a run: figures, a few responses, and where the rest is. */
export function printEvaluation(
  context: CommandContext,
  { directory, report, evaluation, rows }: EvaluatedRun,
  asJson: boolean,
): void {
  if (asJson) {
    printJson(context, { runDirectory: directory, report, evaluation });
    return;
  }
  const color = { color: useColor(context.stdout, context) };
  const examples = examplePairs(rows, exampleCount(evaluation));
  const parts = [evaluationTable(evaluation, color), exampleLines(examples, color).join("\n")];
  const places = [
    `Run directory: ${shownPath(directory, context.cwd)}`,
    ...(report === null ? [] : [`Report:        ${shownPath(report, context.cwd)}`]),
  ];
  context.stdout.write(`\n${[...parts, places.join("\n")].filter((part) => part !== "").join("\n\n")}\n`);
}
