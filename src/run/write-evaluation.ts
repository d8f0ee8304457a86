import { mkdir, rm } from "node:fs/promises";
import type { Evaluation, EvaluationRows, JudgedRow } from "../domain/evaluation.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { evaluationRowPaths } from "./evaluation-files.js";
import { runPaths } from "./run-files.js";

/**
 * Writes the rows and then evaluation.json, which is taken away before: whoever finds it finds the rows that it sums up,
 * wherever an earlier process was killed.
 * @param directory of the run
 */
export async function writeEvaluation(directory: string, evaluation: Evaluation, rows: EvaluationRows): Promise<void> {
  const { evaluation: path, evaluationFolder } = runPaths(directory);
  await mkdir(evaluationFolder, { recursive: true });
  await rm(path, { force: true });
  const paths = evaluationRowPaths(directory);
  for (const name of ["policy", "sft", "reference", "verdicts"] as const) {
    await writeFileAtomically(paths[name], linesOf(rows[name]));
  }
  await writeFileAtomically(path, documentOf(evaluation));
}

/**
 * Writes what judges say of responses that stay as they are. Killed between the two files, the verdicts are newer than
 * what evaluation.json sums up; judging again, which asks nothing twice, mends it.
 * @param directory of the run
 */
export async function writeVerdicts(
  directory: string,
  evaluation: Evaluation,
  verdicts: readonly JudgedRow[],
): Promise<void> {
  await writeFileAtomically(evaluationRowPaths(directory).verdicts, linesOf(verdicts));
  await writeFileAtomically(runPaths(directory).evaluation, documentOf(evaluation));
}

const linesOf = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const documentOf = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
