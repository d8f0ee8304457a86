import jstat from "jstat";
import { mean } from "./statistics.js";

/** A few numbers, as those of several seeds: their mean and how far apart they are. */
export interface MeanAndSpread {
  readonly mean: number;
  /** Of the numbers, divided by n - 1; null of one. */
  readonly standardDeviation: number | null;
  /** Of the mean. */
  readonly standardError: number | null;
  /** 95 % interval of the mean by Student's t (1908), which holds for few numbers if they are about normal. */
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
}

/** @throws RangeError of no numbers */
export function meanAndSpread(xs: readonly number[]): MeanAndSpread {
  const n = xs.length;
  if (n === 0) throw new RangeError("the mean of no numbers");
  const centre = mean(xs);
  if (n === 1) return { mean: centre, standardDeviation: null, standardError: null, low: null, high: null, n };
  const standardDeviation = Math.sqrt(sampleVariance(xs));
  const standardError = standardDeviation / Math.sqrt(n);
  return { mean: centre, standardDeviation, standardError, ...tInterval(centre, standardError, n - 1), n };
}

/** Squared deviations from the mean, summed and divided by n - 1. */
export function sampleVariance(xs: readonly number[]): number {
  const centre = mean(xs);
  return xs.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (xs.length - 1);
}

/** 95 % by Student's t. */
export function tInterval(
  centre: number,
  standardError: number,
  degreesOfFreedom: number,
): { low: number; high: number } {
  const halfWidth = jstat.studentt.inv(0.975, degreesOfFreedom) * standardError;
  return { low: centre - halfWidth, high: centre + halfWidth };
}

/** Probability of a t at least as far from 0 on either side, were there no difference. */
export const twoSidedP = (t: number, degreesOfFreedom: number): number =>
  2 * jstat.studentt.cdf(-Math.abs(t), degreesOfFreedom);
