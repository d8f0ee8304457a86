import { mean } from "../../math/statistics.js";
import { greatest, least } from "../../math/extremes.js";

/** A point of a curve over seeds: the mean of theirs, and the range of their y. */
export interface SeedPoint {
  readonly x: number;
  readonly y: number;
  /** Lowest and highest over seeds; left out with one seed. */
  readonly low?: number;
  readonly high?: number;
  readonly seeds: number;
}

/** @param points one of each seed; at least one */
export function overSeeds(points: readonly { readonly x: number; readonly y: number }[]): SeedPoint {
  const ys = points.map(({ y }) => y);
  const range = points.length > 1 ? { low: least(ys), high: greatest(ys) } : {};
  return { x: mean(points.map(({ x }) => x)), y: mean(ys), ...range, seeds: points.length };
}
