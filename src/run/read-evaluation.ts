import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { CorruptStateError } from "../errors.js";
import { evaluationFileSchema, evaluationLineSchemas, evaluationRowPaths } from "./evaluation-files.js";
import { readIfThere } from "./read-if-there.js";
import { runPaths } from "./run-files.js";
import { least } from "../math/extremes.js";

/**
 * evaluation.json of a run; null before there is one.
 * @throws CorruptStateError if it is damaged, or of a version that wrote another
 */
export async function readEvaluation(directory: string): Promise<Evaluation | null> {
  const path = runPaths(directory).evaluation;
  const text = await readIfThere(path);
  if (text === null) return null;
  try {
    return evaluationFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CorruptStateError(
      `${path} is damaged, or of another version of drpo. Write it again: drpo evaluate ${directory}`,
      { cause },
    );
  }
}

/** The rows of an evaluation; what could not be read is left out and named, a sentence each. */
export interface EvaluationRowsReading extends EvaluationRows {
  readonly problems: readonly string[];
}

/** Reads the rows of a run that has an evaluation: responses, references, verdicts. Changes nothing. */
export async function readEvaluationRows(directory: string): Promise<EvaluationRowsReading> {
  const problems: string[] = [];
  const read = async <Name extends keyof EvaluationRows>(name: Name): Promise<EvaluationRows[Name]> =>
    (await readRows(
      evaluationRowPaths(directory)[name],
      evaluationLineSchemas[name],
      problems,
    )) as EvaluationRows[Name];
  return {
    ...{ policy: await read("policy"), sft: await read("sft") },
    ...{ reference: await read("reference"), verdicts: await read("verdicts") },
    problems,
  };
}

async function readRows(
  path: string,
  schema: { safeParse(value: unknown): { readonly success: boolean; readonly data?: unknown } },
  problems: string[],
): Promise<readonly unknown[]> {
  if ((await readIfThere(path)) === null) {
    problems.push(`${path} is missing.`);
    return [];
  }
  const { rows, damagedLines, isTorn } = await readJsonLines(path);
  const parsed = rows.map(({ line, value }) => ({ line, ...schema.safeParse(value) }));
  const damaged = [...damagedLines, ...parsed.filter(({ success }) => !success).map(({ line }) => line)];
  if (damaged.length > 0)
    problems.push(`${path}: ${damaged.length} lines are damaged, the first is line ${least(damaged)}.`);
  // Files are written whole, so that an end without a line end was cut off later.
  if (isTorn) problems.push(`${path}: its last line is cut off.`);
  return parsed.filter(({ success }) => success).map(({ data }) => data);
}
