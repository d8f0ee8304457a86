import { join } from "node:path";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { readRun } from "../run/read-run.js";
import { readEvaluationRows } from "../run/read-evaluation.js";
import { exampleCount, examplePairs } from "./example-pairs.js";
import { reportPage } from "./report-page.js";

/**
 * Writes report.html of a run, finished or not, from the run's files and nothing else.
 * @returns the path of the report
 * @throws BadInputError if the folder holds no run; CorruptStateError if its recipe.json is damaged (other damage is
 * named in the report); EnvironmentError if the report cannot be written
 */
export async function writeReport({ directory }: { readonly directory: string }): Promise<string> {
  const path = join(directory, "report.html");
  const run = await readRun(directory);
  const rows = run.evaluation ? await readEvaluationRows(directory) : { sft: [], policy: [], problems: [] };
  const examples = examplePairs(rows, exampleCount(run.evaluation));
  await writeFileAtomically(path, reportPage({ ...run, problems: [...run.problems, ...rows.problems] }, examples));
  return path;
}
