import { basename } from "node:path";
import type { RunGroup } from "../group-runs.js";
import { valueAt } from "../run-summary.js";
import { type ResultMetric, resultMetrics } from "./result-metrics.js";
import { resultCell, type ResultCell } from "./results-table.js";

/** What groups reach by one setting in which they differ. */
export interface MetricAgainstSetting {
  readonly metric: ResultMetric;
  readonly curves: readonly SettingCurve[];
}

export interface SettingCurve {
  readonly label: string;
  readonly points: readonly SettingPoint[];
}

export interface SettingPoint {
  /** The setting as a number. */
  readonly x: number;
  readonly name: string;
  readonly group: string;
  readonly cell: ResultCell;
}

/** Metrics of Table 2: win rates, score and KL. */
const isOfTable2 = ({ isTested }: ResultMetric): boolean => isTested;

const PROPORTION = "policy.reset.proportion";

/**
 * Table 2 and Figure 2 of the paper: metrics against the share of rollouts that start from a reset.
 * @returns empty unless groups that are otherwise the same differ in it
 */
export function proportionAblation(groups: readonly RunGroup[]): readonly MetricAgainstSetting[] {
  const families = familiesOf(
    groups.filter(({ resetProportion }) => resetProportion !== null),
    ({ settings }) => JSON.stringify([...settings].filter(([path]) => path !== PROPORTION)),
  ).filter(({ length }) => length > 1);
  return againstSetting(families, {
    // The rest of the label is what the groups of a family have in common.
    labelOf: ([first]) => (families.length === 1 ? "" : first!.label.replace(/^[^,]*, /, "")),
    xOf: ({ resetProportion }) => ({ x: resetProportion!, name: String(resetProportion) }),
  });
}

export interface Scaling {
  readonly metrics: readonly MetricAgainstSetting[];
  /** True if sizes are those that the bases' names say; false if the names say none, and bases are in their order. */
  readonly areSizesKnown: boolean;
}

/**
 * Figure 3 of the paper: metrics against the size of the base, a curve a method.
 * @returns null unless groups differ in their base
 */
export function scaling(groups: readonly RunGroup[]): Scaling | null {
  const bases = [...new Set(groups.map(baseName))].sort(new Intl.Collator("en", { numeric: true }).compare);
  if (bases.length < 2) return null;
  const sizes = new Map(groups.map((group) => [baseName(group), group.size]));
  const areSizesKnown = bases.every((base) => sizes.get(base) !== null);
  const families = familiesOf(groups, ({ method, resetProportion }) => JSON.stringify([method, resetProportion]));
  const metrics = againstSetting(families, {
    labelOf: ([first]) => first!.method,
    xOf: (group) => {
      const name = baseName(group);
      return { x: areSizesKnown ? sizes.get(name)! : bases.indexOf(name) + 1, name };
    },
  });
  return { metrics, areSizesKnown };
}

const baseName = ({ runs }: RunGroup): string => {
  const base = valueAt(runs[0]!.record.recipe, "model.base");
  return typeof base === "string" ? basename(base) : "unknown base";
};

function familiesOf(groups: readonly RunGroup[], keyOf: (group: RunGroup) => string): readonly (readonly RunGroup[])[] {
  const families = new Map<string, RunGroup[]>();
  for (const group of groups) families.set(keyOf(group), [...(families.get(keyOf(group)) ?? []), group]);
  return [...families.values()];
}

interface SettingOf {
  readonly labelOf: (family: readonly RunGroup[]) => string;
  readonly xOf: (group: RunGroup) => { readonly x: number; readonly name: string };
}

function againstSetting(
  families: readonly (readonly RunGroup[])[],
  { labelOf, xOf }: SettingOf,
): readonly MetricAgainstSetting[] {
  const metrics = resultMetrics(families.flat().flatMap(({ runs }) => runs)).filter(isOfTable2);
  return metrics.flatMap((metric) => {
    const curves = families.flatMap((family) => {
      const points = family.flatMap((group) => {
        const cell = resultCell(group.runs, metric.ofPolicy);
        return cell === null ? [] : [{ ...xOf(group), group: group.label, cell }];
      });
      const sorted = points.sort((a, b) => a.x - b.x);
      return sorted.length === 0 ? [] : [{ label: labelOf(family), points: sorted }];
    });
    return curves.length === 0 ? [] : [{ metric, curves }];
  });
}
