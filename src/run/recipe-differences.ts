import { createHash } from "node:crypto";

/**
 * What may change between a run's sessions: how the server is reached, and how long is waited for it. Nothing of it has
 * a part in the numbers. (Threads, device and type do.)
 */
const MAY_DIFFER: ReadonlySet<string> = new Set([
  "$schema",
  "server.python",
  "server.port",
  "server.startTimeoutMs",
  "server.silenceTimeoutMs",
  "server.address",
  "server.tlsCa",
]);

/** True for the path of a setting that says how a server is reached. */
export const isConnection = (path: string): boolean => MAY_DIFFER.has(path);

export interface Difference {
  /** "policy.optimizer.learningRate" */
  readonly key: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** The keys in which two resolved recipes differ, as JSON sees them; undefined where one has no such key. */
export function recipeDifferences(before: unknown, now: unknown): readonly Difference[] {
  const [flatBefore, flatNow] = [flattenRecipe(before), flattenRecipe(now)];
  const keys = [...new Set([...flatBefore.keys(), ...flatNow.keys()])].filter((key) => !isConnection(key)).sort();
  return keys
    .map((key) => ({ key, before: flatBefore.get(key), now: flatNow.get(key) }))
    .filter((difference) => JSON.stringify(difference.before) !== JSON.stringify(difference.now));
}

/** SHA-256 (hexadecimal) of a resolved recipe, less what may differ: equal where `recipeDifferences` finds none. */
export function recipeHash(recipe: unknown): string {
  const flat = [...flattenRecipe(JSON.parse(JSON.stringify(recipe)))].filter(([key]) => !isConnection(key));
  const sorted = flat.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

/** The leaves of a recipe by their dotted path: "policy.optimizer.learningRate"; lists are leaves. */
export function flattenRecipe(value: unknown, path = ""): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value === undefined ? new Map() : new Map([[path, value]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flattenRecipe(inner, path === "" ? key : `${path}.${key}`)]),
  );
}
