import type { TokenizedGroup } from "../domain/tokenized-dataset.js";

/**
 * The prompts that a policy is sampled from: those that a person answered where the data has such references (D_TR), else
 * all; each once, in the data's order.
 */
export function promptsToAnswer(groups: readonly TokenizedGroup[]): readonly TokenizedGroup[] {
  const answered = groups.filter(({ reference }) => reference !== null);
  const distinct = new Map<string, TokenizedGroup>();
  for (const group of answered.length > 0 ? answered : groups) {
    const key = group.prompt.join(" ");
    if (!distinct.has(key)) distinct.set(key, group);
  }
  return [...distinct.values()];
}
