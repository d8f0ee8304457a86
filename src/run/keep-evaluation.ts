import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";
import { waitForLock } from "../durable-files/process-lock.js";
import { InterruptedError } from "../errors.js";
import { runPaths } from "./run-files.js";
import { writeEvaluation } from "./write-evaluation.js";

/** For another evaluation to be written. */
const PATIENCE_MS = 5_000;

/**
 * Writes an evaluation that was made beside the run, under the run's lock.
 * @returns false if another process works on the run: it writes its own evaluation, and this one is not kept
 */
export async function keepEvaluation(
  directory: string,
  evaluation: Evaluation,
  rows: EvaluationRows,
): Promise<boolean> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const lock = await waitForLock(runPaths(directory).lock, { signal }).catch((error: unknown) => {
    if (error instanceof InterruptedError) return null;
    throw error;
  });
  if (lock === null) return false;
  try {
    await writeEvaluation(directory, evaluation, rows);
    return true;
  } finally {
    await lock.release();
  }
}
