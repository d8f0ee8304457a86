import { mean } from "../../math/statistics.js";
import type { RunGroup } from "../group-runs.js";
import { inReadingOrder } from "../metric-labels.js";
import { greatest } from "../../math/extremes.js";

/** Every metric of one stage. */
export interface StageCurves {
  readonly stage: string;
  readonly metrics: readonly MetricCurves[];
}

export interface MetricCurves {
  readonly name: string;
  /** Groups that have the metric. */
  readonly groups: readonly GroupCurve[];
  /** Iterations of which each point is the mean; 1 where every one is a point. */
  readonly merged: number;
}

export interface GroupCurve {
  readonly group: string;
  readonly colour: number;
  /** Mean over the seeds that have the iteration. */
  readonly mean: readonly Point[];
  readonly seeds: readonly { readonly seed: number; readonly points: readonly Point[] }[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Points of a curve: the width of a chart shows no more. */
const MAX_POINTS = 240;
const KNOWN_STAGES = ["validation", "policy", "reward", "sft"];

export function learningCurves(groups: readonly RunGroup[]): readonly StageCurves[] {
  const lines = groups.flatMap(({ runs }) => runs.flatMap(({ metrics }) => metrics));
  const found = [...new Set(lines.map(({ stage }) => stage))];
  const stages = [
    ...KNOWN_STAGES.filter((stage) => found.includes(stage)),
    ...found.filter((s) => !KNOWN_STAGES.includes(s)),
  ];
  return stages.map((stage) => {
    const own = lines.filter((line) => line.stage === stage);
    const names = inReadingOrder([...new Set(own.flatMap(({ metrics }) => Object.keys(metrics)))]);
    return { stage, metrics: names.map((name) => metricCurves(groups, stage, name)) };
  });
}

function metricCurves(groups: readonly RunGroup[], stage: string, name: string): MetricCurves {
  const found = groups.flatMap(({ label, colour, runs }) => {
    const seeds = runs.flatMap(({ seed, metrics }) => {
      const points = metrics.flatMap((line) => {
        const y = line.stage === stage ? line.metrics[name] : undefined;
        return y === undefined ? [] : [{ x: line.iteration, y }];
      });
      return points.length === 0 ? [] : [{ seed, points }];
    });
    return seeds.length === 0 ? [] : [{ group: label, colour, seeds }];
  });
  const longest = greatest(found.flatMap(({ seeds }) => seeds.map(({ points }) => points.length)));
  const merged = Math.ceil(longest / MAX_POINTS);
  return {
    ...{ name, merged },
    groups: found.map(({ seeds, ...group }) => {
      const thin = seeds.map(({ seed, points }) => ({ seed, points: thinned(points, merged) }));
      return { ...group, mean: meanCurve(thin.map(({ points }) => points)), seeds: thin };
    }),
  };
}

/** Neighbours merged into their mean. */
function thinned(points: readonly Point[], merged: number): readonly Point[] {
  if (merged === 1) return points;
  return Array.from({ length: Math.ceil(points.length / merged) }, (_, i) => {
    const some = points.slice(i * merged, (i + 1) * merged);
    return { x: mean(some.map(({ x }) => x)), y: mean(some.map(({ y }) => y)) };
  });
}

function meanCurve(curves: readonly (readonly Point[])[]): readonly Point[] {
  if (curves.length === 1) return curves[0]!;
  const byX = new Map<number, number[]>();
  for (const { x, y } of curves.flat()) byX.set(x, [...(byX.get(x) ?? []), y]);
  return [...byX].sort(([a], [b]) => a - b).map(([x, ys]) => ({ x, y: mean(ys) }));
}
