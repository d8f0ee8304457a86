import { flattenRecipe } from "./flatten-recipe.js";
import type { Recipe } from "./recipe.js";

/** A line for each text of the recipe that UTF-8 cannot write: JSON can spell half of a surrogate pair ("\ud83d"). */
export const nonUnicodeTexts = (recipe: Recipe): readonly string[] =>
  [...flattenRecipe(recipe)]
    .filter(([, value]) => holdsLoneSurrogate(value))
    .map(([key]) => `${key} is not Unicode text: it holds half of a surrogate pair (\\ud800 to \\udfff)`);

function holdsLoneSurrogate(value: unknown): boolean {
  if (typeof value === "string") return /\p{Surrogate}/u.test(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsLoneSurrogate);
}
