import type { TokenizedGroup, TokenizedResponse } from "../../domain/tokenized-dataset.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import { promptsToAnswer } from "../prompts-to-answer.js";
import type { OpenRun } from "../run-context.js";
import { least } from "../../math/extremes.js";

/** A row of the evaluation: the prompt, and a person's response to it. */
export interface EvaluationRow {
  readonly group: TokenizedGroup;
  /** Null where the data has no response that a person named so, or preferred. */
  readonly reference: TokenizedResponse | null;
}

/** Prompts take turns, as they do where responses are written. */
export function evaluationRows({ recipe, evaluationGroups }: OpenRun): readonly EvaluationRow[] {
  const prompts = promptsToAnswer(evaluationGroups);
  // Once a group: a large one is not sorted anew for every row.
  const choices = prompts.slice(0, recipe.evaluation.rollouts).map(possibleReferences);
  return Array.from({ length: recipe.evaluation.rollouts }, (_, row) => ({
    group: prompts[row % prompts.length]!,
    reference: drawn(choices[row % prompts.length]!, seedAt(recipe.seed, "evaluation", 2, row)),
  }));
}

/**
 * The reference that the data names; where people only rated responses, one that they preferred: of the better half (of a
 * pair the better one), drawn by the seed.
 */
export const referenceOf = (group: TokenizedGroup, seed: bigint): TokenizedResponse | null =>
  drawn(possibleReferences(group), seed);

function possibleReferences({ reference, responses }: TokenizedGroup): readonly TokenizedResponse[] {
  if (reference) return [reference];
  const worst = least(responses.map(({ rating }) => rating));
  return responses
    .toSorted((a, b) => b.rating - a.rating)
    .slice(0, Math.floor(responses.length / 2))
    .filter(({ rating }) => rating > worst);
}

const drawn = (choices: readonly TokenizedResponse[], seed: bigint): TokenizedResponse | null =>
  choices.length === 0 ? null : choices[new Random(seed).integer(0, choices.length - 1)]!;
