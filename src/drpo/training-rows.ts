import { rowTokens, type Rollout } from "../domain/rollout.js";
import type { BatchRow } from "../ports/trainer.js";

/** The row of a rollout; its span is what the policy generated, so that a reset prefix is in no loss and no statistic. */
export const trainingRow = (rollout: Rollout): BatchRow => ({
  tokens: rowTokens(rollout),
  spanStart: rollout.reset.prompt.length + rollout.reset.prefix.length,
  spanLength: rollout.generated.length,
});

/** Cuts an array over all span tokens of a batch into one array for each row. */
export function splitBySpan(values: readonly number[], rows: readonly { readonly spanLength: number }[]): number[][] {
  let start = 0;
  return rows.map(({ spanLength }) => values.slice(start, (start += spanLength)));
}
