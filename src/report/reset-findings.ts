import { differenceStyle, intervalText, lowerFirst, pairsText } from "./comparison-words.js";
import { type Comparison, pOf } from "./figures/comparisons.js";
import type { MetricAgainstSetting } from "./figures/metric-against-setting.js";
import { formatP } from "./format-cell.js";
import { formatStyled } from "./format-number.js";

/**
 * Whether resets helped, by how much, and how sure that is: a sentence for each metric in which more is better, over the
 * groups that differ from one without resets in nothing but the proportion.
 */
export function resetFindings(
  ablation: readonly MetricAgainstSetting[],
  comparisons: readonly Comparison[],
): readonly string[] {
  const proportions = new Map(
    ablation.flatMap(({ curves }) => curves.flatMap(({ points }) => points.map(({ group, x }) => [group, x] as const))),
  );
  const ofResets = comparisons.filter(
    ({ group, baseline, metric }) =>
      proportions.get(baseline) === 0 && (proportions.get(group) ?? 0) > 0 && metric.name !== "klK1",
  );
  const metrics = [...new Set(ofResets.map(({ metric }) => metric.name))];
  return metrics.map((name) =>
    sentence(
      ofResets.filter(({ metric }) => metric.name === name),
      (group) => proportions.get(group)!,
    ),
  );
}

function sentence(all: readonly Comparison[], proportionOf: (group: string) => number): string {
  const [first] = all as [Comparison];
  const { metric, baseline } = first;
  const higher = all.filter(({ test: { difference } }) => (difference.low ?? -Infinity) > 0).length;
  const lower = all.filter(({ test: { difference } }) => (difference.high ?? Infinity) < 0).length;
  const each = all.map((one) => {
    const { difference } = one.test;
    const by = formatStyled(difference.mean, differenceStyle(one));
    return `${proportionOf(one.group)}: ${by} (${intervalText(one)}, p = ${formatP(pOf(one.test))})`.replace(
      "= <",
      "<",
    );
  });
  return (
    `${verdict(higher, lower, all.length)} by ${lowerFirst(metric.label)}, ${metric.unit}. Reset proportion against ` +
    `${baseline}, ${pairsText(first)}, before correction: ${each.join("; ")}.`
  );
}

/** @param higher comparisons whose interval is above 0, `lower` below, of `total` */
function verdict(higher: number, lower: number, total: number): string {
  if (higher > 0 && lower === 0) return `Resets helped at ${higher} of ${total} proportions`;
  if (lower > 0 && higher === 0) return `Resets hurt at ${lower} of ${total} proportions`;
  if (higher === 0) return "Resets made no difference that this can tell";
  return `Resets helped at ${higher} and hurt at ${lower} of ${total} proportions`;
}
