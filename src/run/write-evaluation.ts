import { mkdir, rm } from "node:fs/promises";
import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";
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
    await writeFileAtomically(paths[name], rows[name].map((row) => `${JSON.stringify(row)}\n`).join(""));
  }
  await writeFileAtomically(path, `${JSON.stringify(evaluation, null, 2)}\n`);
}
