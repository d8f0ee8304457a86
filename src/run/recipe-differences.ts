import { createHash } from "node:crypto";
import { flattenRecipe } from "../config/flatten-recipe.js";

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

/** The keys in which two resolved recipes differ, as JSON sees them; undefined where one has no such key. */
export function recipeDifferences(before: unknown, now: unknown): readonly Difference[] {
  const [flatBefore, flatNow] = [flattenRecipe(before), flattenRecipe(now)];
  const keys = [...new Set([...flatBefore.keys(), ...flatNow.keys()])].filter((key) => !mayDiffer(key)).sort();
  return keys
    .map((key) => ({ key, before: flatBefore.get(key), now: flatNow.get(key) }))
    .filter((difference) => JSON.stringify(difference.before) !== JSON.stringify(difference.now));
}

/** SHA-256 (hexadecimal) of a resolved recipe, less what may differ: equal where `recipeDifferences` finds none. */
export function recipeHash(recipe: unknown): string {
  const flat = [...flattenRecipe(JSON.parse(JSON.stringify(recipe)))].filter(([key]) => !mayDiffer(key));
  const sorted = flat.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
