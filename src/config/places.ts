import { existsSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";

/**
 * Where a recipe names files and folders ("[]": any entry of a list). Places may change between the sessions of a run, as
 * the hashes of what lies there are compared.
 */
const PLACES: readonly string[] = [
  "server.python",
  "server.tlsCa",
  "server.samplers.[].python",
  "server.samplers.[].tlsCa",
  "model.base",
  "data.path",
  "data.references.path",
  "sft.path",
  "reward.path",
  "reward.module",
  "reward.terms.[].reward.path",
  "reward.terms.[].reward.module",
  "policy.reset.source.path",
  "policy.reset.source.writer.path",
  "policy.reset.selector.module",
  "evaluation.data.path",
  "evaluation.data.references.path",
  "evaluation.judges.[].template",
  "evaluation.judges.[].reward.path",
  "loggers.[].directory",
];

const PATTERNS = PLACES.map((place) => ({ place, keys: place.split(".") }));

/** True for the path of a setting that says where something is: "model.base", "evaluation.judges.0.template". */
export const isPlace = (path: string): boolean => PLACES.includes(path.replaceAll(/\.\d+(?=\.)/g, ".[]"));

/** A recipe whose files were moved together with the folder `from`, now `to`; what is not there keeps its place. */
export const movedPlaces = <Recipe>(recipe: Recipe, from: string, to: string): Recipe =>
  mapPlaces(recipe, (file) => movedFile(file, from, to));

/** The same of one file. */
export function movedFile(file: string, from: string, to: string): string {
  const moved = resolve(to, relative(from, file));
  return isAbsolute(file) && existsSync(moved) ? moved : file;
}

/**
 * A recipe, resolved or as JSON, whose files and folders are named otherwise.
 * @param change gets a file or folder, and its path in the recipe: "evaluation.judges.0.template"
 */
export function mapPlaces<Recipe>(recipe: Recipe, change: (file: string, path: string) => string): Recipe {
  const mapped = PATTERNS.reduce<unknown>((current, { keys }) => mapAt(current, keys, [], change), recipe);
  return mapped as Recipe;
}

function mapAt(
  value: unknown,
  [key, ...rest]: readonly string[],
  walked: readonly string[],
  change: (file: string, path: string) => string,
): unknown {
  if (key === undefined) {
    if (typeof value === "string") return change(value, walked.join("."));
    return Array.isArray(value) ? value.map((one) => mapAt(one, [], walked, change)) : value;
  }
  if (key === "[]") {
    return Array.isArray(value) ? value.map((one, i) => mapAt(one, rest, [...walked, String(i)], change)) : value;
  }
  if (typeof value !== "object" || value === null || !(key in value)) return value;
  const inner = (value as Record<string, unknown>)[key];
  return { ...value, [key]: mapAt(inner, rest, [...walked, key], change) };
}
