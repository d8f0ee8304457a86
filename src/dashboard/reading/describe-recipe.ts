import { flattenRecipe } from "../../config/flatten-recipe.js";
import { methodName, resetProportion } from "../../report/method-name.js";

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
    method: methodOf(recipe),
  };
}

/** "PPO", "DR-PO", "DR-PO, 0.5" where half of the rollouts start from a reset. */
function methodOf(recipe: Readonly<Record<string, unknown>>): string | null {
  if (!("policy" in recipe)) return null;
  const proportion = resetProportion(recipe) ?? 0;
  return proportion > 0 && proportion < 1 ? `${methodName(recipe)}, ${proportion}` : methodName(recipe);
}
