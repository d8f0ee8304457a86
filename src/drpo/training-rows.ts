import { rowTokens, type Rollout } from "../domain/rollout.js";
import type { BatchRow } from "../ports/trainer.js";

/**
 * The row of a rollout; its span is what the policy generated, so that a reset prefix is in no loss and no statistic.
 * @param creditedPrefix tokens of the prefix's end that are in the span all the same
 */
export const trainingRow = (rollout: Rollout, creditedPrefix = 0): BatchRow => ({
  tokens: rowTokens(rollout),
  spanStart: rollout.reset.prompt.length + rollout.reset.prefix.length - creditedPrefix,
  spanLength: creditedPrefix + rollout.generated.length,
});

/** Cuts an array over all span tokens of a batch into one array for each row. */
export function splitBySpan(values: readonly number[], rows: readonly { readonly spanLength: number }[]): number[][] {
  let start = 0;
  return rows.map(({ spanLength }) => values.slice(start, (start += spanLength)));
}

/** Indices of the rollouts from each reset point: they stand beside each other. */
export function groupsOf(rollouts: readonly Rollout[]): number[][] {
  const groups: number[][] = [];
  rollouts.forEach(({ reset }, i) => {
    if (i > 0 && rollouts[i - 1]!.reset.row === reset.row) groups.at(-1)!.push(i);
    else groups.push([i]);
  });
  return groups;
}
