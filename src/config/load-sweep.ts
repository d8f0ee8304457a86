import { dirname, resolve } from "node:path";
import { explainProblem } from "./explain-problem.js";
import { readJsonFile, refusal } from "./load-recipe.js";
import { sweepSchema, type SweepOptions } from "./sweep.js";

/**
 * Reads a sweep from its file.
 * @param path absolute
 * @returns the sweep, its recipes as absolute paths
 * @throws BadInputError with everything that is wrong with the file itself
 */
export async function loadSweep(path: string): Promise<SweepOptions> {
  const raw = await readJsonFile(path, "sweep");
  const parsed = sweepSchema.safeParse(raw);
  if (!parsed.success) {
    throw refusal(
      path,
      parsed.error.issues.flatMap((issue) => explainProblem(issue, raw, sweepSchema, "a sweep")),
    );
  }
  const sweep = withAbsoluteRecipes(parsed.data, dirname(path));
  const problems = contradictions(sweep);
  if (problems.length > 0) throw refusal(path, problems);
  return sweep;
}

function withAbsoluteRecipes(sweep: SweepOptions, folder: string): SweepOptions {
  const { recipe, runs } = sweep;
  return {
    ...sweep,
    ...(recipe === undefined ? {} : { recipe: resolve(folder, recipe) }),
    runs:
      runs.kind === "list"
        ? {
            ...runs,
            runs: runs.runs.map((run) =>
              run.recipe === undefined ? run : { ...run, recipe: resolve(folder, run.recipe) },
            ),
          }
        : runs,
  };
}

/** What the schema cannot say. */
function contradictions(sweep: SweepOptions): readonly string[] {
  const { recipe, seeds, set, runs, servers, launcher } = sweep;
  const problems: string[] = [...unknownPlaceholders(launcher)];
  const repeated = (values: readonly unknown[]) => values.filter((value, i) => values.indexOf(value) !== i);
  const nameless = runs.kind === "list" ? runs.runs.filter((run) => run.recipe === undefined) : null;
  if (recipe === undefined && (nameless === null || nameless.length > 0)) {
    const which = nameless === null ? "" : `; ${nameless.map(({ name }) => name).join(", ")} name none of their own`;
    problems.push(`recipe is missing: it must be the path of a recipe${which}`);
  }
  for (const seed of new Set(repeated(seeds ?? []))) problems.push(`seeds: ${String(seed)} is there twice`);
  for (const server of new Set(repeated(servers ?? []))) problems.push(`servers: ${String(server)} is there twice`);
  if (runs.kind === "list") {
    for (const name of new Set(repeated(runs.runs.map((run) => run.name))))
      problems.push(`runs.runs: two of them are called ${String(name)}`);
  }
  const sections = runs.kind === "list" ? runs.runs.map((run) => run.set ?? {}) : [runs.fields];
  if (seeds && [set, ...sections].some((fields) => "seed" in fields))
    problems.push("seeds and the field seed are both given: leave one out");
  return problems;
}

const PLACEHOLDERS = { command: ["command", "script", "name", "directory", "log"], alive: ["job"] } as const;

/** A placeholder that is misspelt would reach the shell as it is. */
function unknownPlaceholders(launcher: SweepOptions["launcher"]): readonly string[] {
  if (launcher.kind !== "command") return [];
  return (["command", "alive"] as const).flatMap((key) => {
    const known: readonly string[] = PLACEHOLDERS[key];
    // ${NAME} is the shell's own.
    const used = [...(launcher[key] ?? "").matchAll(/(?<!\$)\{(\w+)\}/g)].map(([, name]) => name!);
    return used
      .filter((name) => !known.includes(name))
      .map(
        (name) =>
          `launcher.${key}: {${name}} stands for nothing; there is ${known.map((one) => `{${one}}`).join(", ")}`,
      );
  });
}
