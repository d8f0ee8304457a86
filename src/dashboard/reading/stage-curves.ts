import { inReadingOrder, metricLabel } from "../../report/metric-labels.js";
import { stageLabel } from "../../report/stage-labels.js";
import type { Curve, StageCurves } from "../api.js";
import { downsample } from "./downsample.js";
import { smooth } from "./smooth.js";
import type { StageColumns } from "./stage-columns.js";

export interface CurvesRequest {
  /** Iterations, both included. */
  readonly from: number;
  readonly to: number;
  /** Of each curve: twice as many points at most, and the ends. */
  readonly buckets: number;
  /** In [0, 1); 0: none. */
  readonly smoothing: number;
  /** Left out: all metrics. */
  readonly names?: readonly string[] | undefined;
}

/** The curves of a stage in a range of iterations; metrics without a value there are left out. */
export function stageCurves(columns: StageColumns, request: CurvesRequest): StageCurves {
  const { stage, iterations, values } = columns;
  const from = columns.placeOf(request.from);
  const to = columns.placeOf(request.to + 1);
  const names = inReadingOrder([...values.keys()].filter((name) => request.names?.includes(name) ?? true));
  const { title, xName } = stageLabel(stage);
  return {
    ...{ stage, title, xName },
    ...{ first: iterations[0] ?? 0, last: iterations.at(-1) ?? 0, count: iterations.length },
    curves: names.flatMap((name) => curveOf(columns, name, { ...request, from, to })),
  };
}

/** @param request.from first place, `to` the place after the last */
function curveOf(columns: StageColumns, name: string, { from, to, buckets, smoothing }: CurvesRequest): Curve[] {
  const values = columns.values.get(name)!;
  const places = downsample(values, { from, to, buckets });
  if (places.length === 0) return [];
  const y = places.map((place) => values[place]!);
  // From the run's beginning, so that a curve is the same whatever part of it is looked at.
  const smoothed = smoothing > 0 ? smooth(values.slice(0, to), smoothing) : null;
  return [
    {
      ...{ name, ...metricLabel(columns.stage, name), count: values.slice(from, to).filter(Number.isFinite).length },
      ...{ x: places.map((place) => columns.iterations[place]!), y },
      smooth: smoothed && places.map((place) => smoothed[place]!),
      least: y.reduce((a, b) => Math.min(a, b)),
      greatest: y.reduce((a, b) => Math.max(a, b)),
      latest: y.at(-1)!,
    },
  ];
}
