/** The leaves of a recipe by their dotted path: "policy.optimizer.learningRate"; lists are leaves. */
export function flattenRecipe(value: unknown, path = ""): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value === undefined ? new Map() : new Map([[path, value]]);
  }
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flattenRecipe(inner, path === "" ? key : `${path}.${key}`)]),
  );
}
