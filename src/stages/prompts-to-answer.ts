import type { TokenizedGroup } from "../domain/tokenized-dataset.js";

/**
 * Prompts that a policy is judged on: those that a person answered, where the data names references, so that there is
 * something to compare with; else all.
 */
export function promptsToAnswer(groups: readonly TokenizedGroup[]): readonly TokenizedGroup[] {
  const answered = groups.filter(({ reference }) => reference !== null);
  return answered.length > 0 ? answered : groups;
}
