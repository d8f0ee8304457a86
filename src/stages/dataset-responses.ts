import type { TokenizedGroup, TokenizedResponse } from "../domain/tokenized-dataset.js";

/** Which responses of the data are meant. */
export interface ResponseChoice {
  readonly field: "reference" | "preferred" | "any";
  /** With "any": only those rated above this. */
  readonly minRating?: number | undefined;
}

/**
 * The responses that a recipe chooses: reference: those that the data names so, and if it names none, the preferred;
 * preferred: the best-rated of each group; any: all rated ones, above a rating.
 */
export function datasetResponses(
  groups: readonly TokenizedGroup[],
  { field, minRating = -Infinity }: ResponseChoice,
): readonly TokenizedResponse[] {
  if (field === "any") return groups.flatMap(({ responses }) => responses).filter(({ rating }) => rating > minRating);
  const references = field === "reference" ? groups.flatMap(({ reference }) => (reference ? [reference] : [])) : [];
  return references.length > 0 ? references : groups.flatMap(({ responses }) => bestRated(responses));
}

function bestRated(responses: readonly TokenizedResponse[]): readonly TokenizedResponse[] {
  const best = responses.reduce((most, { rating }) => Math.max(most, rating), -Infinity);
  return responses.filter(({ rating }) => rating === best);
}
