import { createHash } from "node:crypto";
import { relative } from "node:path";
import { flattenRecipe } from "../config/flatten-recipe.js";
import { mapPlaces } from "../config/places.js";

/**
 * What may change between a run's sessions: how the server is reached, how long is waited for it, and where metrics are
 * shown. Nothing of it has a part in the numbers. (Threads, device and type do.)
 */
const MAY_DIFFER: ReadonlySet<string> = new Set([
  "$schema",
  "server.python",
  "server.port",
  "server.startTimeoutMs",
  "server.silenceTimeoutMs",
  "server.address",
  "server.tlsCa",
  "loggers",
]);

/** True for the path of a setting that has no part in the numbers. */
export const mayDiffer = (path: string): boolean => MAY_DIFFER.has(path);

export interface Difference {
  /** "policy.optimizer.learningRate" */
  readonly key: string;
  readonly before: unknown;
  readonly now: unknown;
}

/**
 * The keys in which two resolved recipes differ, as JSON sees them; undefined where one has no such key. Where files are is
 * no difference: what they hold is compared by hashes.
 */
export function recipeDifferences(before: unknown, now: unknown): readonly Difference[] {
  const [flatBefore, flatNow] = [before, now].map((recipe) => flattenRecipe(withoutPlaces(recipe))) as [Flat, Flat];
  const keys = [...new Set([...flatBefore.keys(), ...flatNow.keys()])].filter((key) => !mayDiffer(key)).sort();
  return keys
    .map((key) => ({ key, before: flatBefore.get(key), now: flatNow.get(key) }))
    .filter((difference) => JSON.stringify(difference.before) !== JSON.stringify(difference.now));
}

type Flat = ReturnType<typeof flattenRecipe>;

/** A list of files is one place. */
function withoutPlaces(recipe: unknown): unknown {
  const flat = mapPlaces(recipe, () => "");
  const oneEach = JSON.stringify(flat, (_, value: unknown) =>
    Array.isArray(value) && value.length > 0 && value.every((one) => one === "") ? "" : value,
  );
  return JSON.parse(oneEach) as unknown;
}

/**
 * SHA-256 (hexadecimal) of a resolved recipe, less what may differ between sessions.
 * @param folder that files are named relative to, so that what moves with it stays the same
 */
export function recipeHash(recipe: unknown, folder: string): string {
  const placed = mapPlaces(JSON.parse(JSON.stringify(recipe)) as unknown, (file) => relative(folder, file));
  const flat = [...flattenRecipe(placed)].filter(([key]) => !mayDiffer(key));
  const sorted = flat.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
