import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { explainProblem } from "../config/explain-problem.js";
import { parseJsonFile, refusal } from "../config/load-recipe.js";
import { absolutePaths, withAbsoluteJudge } from "../config/resolve-paths.js";
import { BadInputError } from "../errors.js";
import { type JudgeOptions, judgeSchema } from "./registry.js";

const judgesSchema = z.array(judgeSchema).min(1);

/**
 * Reads a file of judges: a list as `evaluation.judges` of a recipe has it, whose paths are relative to the file.
 * @throws BadInputError with all that is wrong
 */
export async function readJudges(path: string): Promise<readonly JudgeOptions[]> {
  const content = await readFile(path).catch((cause: unknown) => {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw new BadInputError(`--judges ${path}: it cannot be read (${code}).`, { cause });
  });
  const absolute = absolutePaths(resolve(dirname(path)));
  return parseJudges(parseJsonFile(path, content), path).map((judge) => withAbsoluteJudge(judge, absolute));
}

/** @param name of where they are from, for messages. @throws BadInputError with all that is wrong */
export function parseJudges(raw: unknown, name: string): readonly JudgeOptions[] {
  const { data, error } = judgesSchema.safeParse(raw);
  if (data) return data;
  throw refusal(
    name,
    error.issues.flatMap((issue) => explainProblem(issue, raw, judgesSchema)),
  );
}
