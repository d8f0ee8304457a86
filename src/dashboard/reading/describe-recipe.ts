import { flattenRecipe } from "../../config/flatten-recipe.js";

/** What the list says of a recipe; null where an older one does not tell. */
export interface RecipeDescription {
  readonly recipe: string | null;
  readonly method: string | null;
  readonly seed: number | null;
  readonly iterations: number | null;
}

/** @param recipe resolved */
export function describeRecipe(recipe: Readonly<Record<string, unknown>>): RecipeDescription {
  const leaves = flattenRecipe(recipe);
  const number = (key: string): number | null => {
    const value = leaves.get(key);
    return typeof value === "number" ? value : null;
  };
  const text = (key: string): string | null => {
    const value = leaves.get(key);
    return typeof value === "string" ? value : null;
  };
  return {
    ...{ recipe: text("name"), seed: number("seed"), iterations: number("policy.iterations") },
    method: methodOf(text("policy.kind"), text("policy.algorithm.kind"), number("policy.reset.proportion")),
  };
}

/** "PPO", "DR-PO: PPO, 0.5 reset", "DPO". */
function methodOf(kind: string | null, algorithm: string | null, proportion: number | null): string | null {
  if (kind === "dpo") return "DPO";
  if (algorithm === null) return null;
  const name = algorithm.toUpperCase();
  if (proportion === null || proportion === 0) return name;
  return proportion === 1 ? `DR-PO: ${name}` : `DR-PO: ${name}, ${proportion} reset`;
}
