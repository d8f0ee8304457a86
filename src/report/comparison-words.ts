import { type Comparison, pOf } from "./figures/comparisons.js";
import { formatP } from "./format-cell.js";
import { formatInterval, formatStyled, type NumberStyle } from "./format-number.js";
import { greatest, least } from "../math/extremes.js";

/** Chance of a wrong call that is taken. */
export const LEVEL = 0.05;

export const isClear = ({ pHolm }: Comparison): boolean => pHolm < LEVEL;

export const differenceStyle = ({ metric }: Comparison): NumberStyle => ({ ...metric.style, signed: true });

/** "3 seeds", "256 prompts of one seed". */
export const pairsText = ({ pairedBy, test }: Comparison): string =>
  `${test.difference.n} ${pairedBy === "seed" ? "seeds" : "prompts of one seed"}`;

/** Of the difference. */
export function intervalText(comparison: Comparison): string {
  const { low, high } = comparison.test.difference;
  return low === null || high === null ? "\u2013" : formatInterval({ low, high }, differenceStyle(comparison));
}

/** "DR-PO 1 has a higher reward score than PPO: +0.35 (0.21 to 0.49), p = 0.004, corrected 0.012." */
export function comparisonSentence(comparison: Comparison): string {
  const { metric, group, baseline, test } = comparison;
  const style = differenceStyle(comparison);
  const name = metric.verdicts ? `${lowerFirst(metric.label)} (${metric.unit})` : lowerFirst(metric.label);
  const { difference } = test;
  const relation = difference.mean > 0 ? "a higher" : "a lower";
  const claim = isClear(comparison)
    ? `${group} has ${relation} ${name} than ${baseline}`
    : `No clear difference in ${name} between ${group} and ${baseline}`;
  return (
    `${claim}: ${formatStyled(difference.mean, style)} (${intervalText(comparison)}), over ${pairsText(comparison)}, ` +
    `p = ${formatP(pOf(test))}, corrected ${formatP(comparison.pHolm)}.`
  )
    .replace("p = <", "p <")
    .replace("corrected <", "corrected <");
}

export const lowerFirst = (text: string): string =>
  /^[A-Z]{2}/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);

/** How sure the tests are, and how their number was reckoned with. */
export function comparisonNote(all: readonly Comparison[]): string {
  const seeds = all.filter(({ pairedBy }) => pairedBy === "seed").map(({ test }) => test);
  const smallest = greatest(seeds.map(({ smallestP }) => smallestP));
  const fewest = least(seeds.map(({ difference }) => difference.n));
  return [
    `${all.length} comparison${all.length === 1 ? " was" : "s were"} made. Corrected p-values are by Holm's method over all of them: ` +
      `what is called a difference has one under ${LEVEL}.`,
    "Intervals and p are of the paired t test; the permutation p flips the signs of the paired differences.",
    ...(seeds.length > 0 && smallest > LEVEL
      ? [`With ${fewest} seeds the permutation test cannot give less than ${formatP(smallest)}: more seeds would.`]
      : []),
  ].join(" ");
}
