import { sampleVariance, tInterval, twoSidedP } from "./mean-and-spread.js";
import { mean } from "./statistics.js";

/** What two independent groups of numbers say of their means' difference. */
export interface WelchTest {
  /** mean(a) - mean(b), with its 95 % interval. */
  readonly difference: { readonly mean: number; readonly low: number; readonly high: number };
  readonly t: number;
  readonly degreesOfFreedom: number;
  /** Two-sided. */
  readonly p: number;
}

/**
 * The t test that lets variances differ (Welch 1947, doi 10.1093/biomet/34.1-2.28), for runs that share no seeds.
 * @returns null where a group has fewer than two numbers, or nothing varies
 */
export function welchTest(a: readonly number[], b: readonly number[]): WelchTest | null {
  if (a.length < 2 || b.length < 2) return null;
  const [varianceA, varianceB] = [sampleVariance(a) / a.length, sampleVariance(b) / b.length];
  const squaredError = varianceA + varianceB;
  if (squaredError === 0) return null;
  const difference = mean(a) - mean(b);
  const degreesOfFreedom = squaredError ** 2 / (varianceA ** 2 / (a.length - 1) + varianceB ** 2 / (b.length - 1));
  const t = difference / Math.sqrt(squaredError);
  return {
    difference: { mean: difference, ...tInterval(difference, Math.sqrt(squaredError), degreesOfFreedom) },
    ...{ t, degreesOfFreedom, p: twoSidedP(t, degreesOfFreedom) },
  };
}
