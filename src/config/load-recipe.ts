import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { BadInputError } from "../errors.js";
import { applySetting, parseSetting } from "./apply-settings.js";
import { expandCompat } from "./compat.js";
import { conflicts } from "./conflicts.js";
import { withDataDefaults } from "./data-defaults.js";
import { explainProblem } from "./explain-problem.js";
import { missingFiles } from "./missing-files.js";
import { nonUnicodeTexts } from "./non-unicode-texts.js";
import { JsonSyntaxError, parseJson } from "./parse-json.js";
import { packagedFile } from "./packaged-file.js";
import { movedPlaces } from "./places.js";
import type { Recipe } from "./recipe.js";
import { resolvePaths } from "./resolve-paths.js";
import { decodeText, NotTextError } from "./text-file.js";

/** Sections that may have a seed of their own. */
const STAGES = ["sft", "reward", "policy"] as const;

type JsonObject = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** To start from. */
const EXAMPLES = { recipe: "recipes/reviews.json", sweep: "recipes/sweeps/tldr-pythia-2.8b-table-1.json" };

/** What the command line changes about a recipe. */
export interface RecipeOverrides {
  /** Replaces the run's seed, and drops those of single stages. */
  readonly seed?: number | undefined;
  /** `path=value`, in order, after the seed. */
  readonly set?: readonly string[] | undefined;
}

/**
 * Reads a recipe from its file, or from the recipe.json of a run that had it, and resolves it.
 * @param schema `recipeSchema(...)` with the algorithms, judges and rewards that are registered
 * @throws BadInputError
 */
export async function loadRecipe<Schema extends z.ZodType<Recipe>>(
  path: string,
  schema: Schema,
  overrides: RecipeOverrides = {},
): Promise<z.output<Schema>> {
  return resolveRecipe(
    { raw: recipeIn(await readJsonFile(path), resolve(dirname(path))), name: path, folder: dirname(path) },
    schema,
    overrides,
  );
}

/** The recipe itself, where the file is the recipe.json of a run, which has more beside it and may have been moved. */
function recipeIn(file: unknown, folder: string): unknown {
  if (!isObject(file) || typeof file["runId"] !== "string" || !isObject(file["recipe"])) return file;
  const { recipe, directory } = file;
  return typeof directory === "string" && directory !== folder ? movedPlaces(recipe, directory, folder) : recipe;
}

/**
 * Applies what the command line changes about a recipe, writes out every default, and makes paths absolute. Everything
 * that can be found wrong without data or a server is found here, all of it in one message.
 * @param source the recipe as JSON, its name for messages, and the folder that its paths are relative to
 * @throws BadInputError
 */
export function resolveRecipe<Schema extends z.ZodType<Recipe>>(
  source: { readonly raw: unknown; readonly name: string; readonly folder: string },
  schema: Schema,
  overrides: RecipeOverrides = {},
): z.output<Schema> {
  const settings = (overrides.set ?? []).map(parseSetting);
  if (overrides.seed !== undefined && settings.some((setting) => setting.path.join(".") === "seed")) {
    throw new BadInputError("--seed and --set seed=... are both given; leave one out.");
  }
  const seeded = withSeed(source.raw, overrides.seed);
  const written = settings.reduce((recipe, setting) => applySetting(recipe, setting, schema), seeded);
  const { raw: expanded, problems: contradictions } = expandCompat(written);
  const raw = withDataDefaults(expanded);
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    // Keys that are not known first: they often are why others are missing.
    const isUnknownKey = ({ code }: z.core.$ZodIssue) => code === "unrecognized_keys";
    const { issues } = parsed.error;
    const ordered = [...issues.filter(isUnknownKey), ...issues.filter((issue) => !isUnknownKey(issue))];
    const problems = ordered.flatMap((issue) => explainProblem(issue, raw, schema));
    throw refusal(source.name, [...contradictions, ...problems]);
  }
  const recipe = resolvePaths(parsed.data, resolve(source.folder));
  const problems = [...contradictions, ...nonUnicodeTexts(recipe), ...conflicts(recipe), ...missingFiles(recipe)];
  if (problems.length > 0) throw refusal(source.name, problems);
  return recipe;
}

/** One error for all that is wrong with a recipe. */
export const refusal = (path: string, problems: readonly string[]): BadInputError =>
  new BadInputError(
    problems.length === 1
      ? `${path}: ${problems[0]}`
      : `${path}: ${problems.length} problems\n  ${problems.join("\n  ")}`,
  );

/**
 * @param what it is, for messages
 * @throws BadInputError if it cannot be read or is not JSON
 */
export async function readJsonFile(path: string, what: "recipe" | "sweep" = "recipe"): Promise<unknown> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String(code);
    throw new BadInputError(
      `Cannot read the ${what} ${path}: ${why}. ${packagedFile(EXAMPLES[what])} is one to start from.`,
      {
        cause,
      },
    );
  }
  return parseJsonFile(path, bytes);
}

/** @throws BadInputError naming the place if the file's content is not JSON */
export function parseJsonFile(path: string, content: Uint8Array): unknown {
  try {
    return parseJson(decodeText(content));
  } catch (cause) {
    if (cause instanceof NotTextError) throw new BadInputError(`${path}: not JSON: ${cause.message}.`, { cause });
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    throw new BadInputError(`${path}:${cause.line}:${cause.column}: not JSON: ${cause.problem}`, { cause });
  }
}

function withSeed(recipe: unknown, seed: number | undefined): unknown {
  if (seed === undefined || !isObject(recipe)) return recipe;
  const sections = Object.entries(recipe).map(([key, section]) => [
    key,
    (STAGES as readonly string[]).includes(key) ? withoutSeed(section) : section,
  ]);
  return { ...Object.fromEntries(sections), seed };
}

/** A section without a seed of its own, and without those of the rewards that it sums. */
function withoutSeed(section: unknown): unknown {
  if (!isObject(section)) return section;
  const { seed: _seed, terms, ...rest } = section;
  if (!Array.isArray(terms)) return terms === undefined ? rest : { ...rest, terms };
  const seedless = (term: unknown) => (isObject(term) ? { ...term, reward: withoutSeed(term["reward"]) } : term);
  return { ...rest, terms: terms.map(seedless) };
}
