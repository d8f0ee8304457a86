import { type PrefixBucket, returnByPrefix } from "../../math/return-by-prefix.js";
import type { RunGroup } from "../group-runs.js";
import { valueAt } from "../run-summary.js";
import type { PrefixReturn } from "../reported-run.js";

/** Scores of training rollouts by the length of the prefix that they were reset to, at the run's beginning and end. */
export interface PrefixReturns {
  readonly group: string;
  readonly colour: number;
  readonly parts: readonly PrefixReturnsPart[];
}

export interface PrefixReturnsPart {
  /** "iterations 1 to 10" */
  readonly label: string;
  readonly isLate: boolean;
  readonly buckets: readonly PrefixBucket[];
}

/** Of the response budget. */
const PARTS = 6;
/** Of the iterations, at each end. */
const PART = 1 / 3;

/** Of the groups whose rollouts start from prefixes of more than one length. */
export function prefixReturns(groups: readonly RunGroup[]): readonly PrefixReturns[] {
  return groups.flatMap(({ label, colour, runs }) => {
    const returns = runs.flatMap(({ training }) => training.returns);
    const longest = returns.reduce((most, { prefixTokens }) => Math.max(most, prefixTokens), 0);
    if (longest === 0) return [];
    const budget = valueAt(runs[0]!.record.recipe, "response.maxTokens");
    const size = { budget: typeof budget === "number" ? budget : longest, parts: PARTS };
    const parts = earlyAndLate(returns).map(({ rows, ...part }) => ({ ...part, buckets: returnByPrefix(rows, size) }));
    return [{ group: label, colour, parts }];
  });
}

function earlyAndLate(returns: readonly PrefixReturn[]) {
  const last = returns.reduce((most, { iteration }) => Math.max(most, iteration), 0);
  const first = returns.reduce((least, { iteration }) => Math.min(least, iteration), last);
  const length = Math.max(1, Math.floor((last - first + 1) * PART));
  const part = (from: number, to: number, isLate: boolean) => ({
    label: from === to ? `iteration ${from}` : `iterations ${from} to ${to}`,
    isLate,
    rows: returns.filter(({ iteration }) => iteration >= from && iteration <= to),
  });
  return first === last
    ? [part(first, last, true)]
    : [part(first, first + length - 1, false), part(last - length + 1, last, true)];
}
