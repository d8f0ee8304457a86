import { fastRandom } from "./fast-random.js";
import { quantile } from "./statistics.js";

/** An estimate with its 95 % interval, from n units. */
export interface Estimate {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

export interface BootstrapOptions {
  readonly resamples: number;
  readonly seed: bigint;
}

/**
 * Percentile bootstrap (Efron 1979): `statistic` of `n` units and its 95 % interval over resamples of the units.
 * @param statistic called with the indices of a resample; with 0..n-1 it gives the estimate
 */
export function bootstrap(
  n: number,
  statistic: (indices: Int32Array) => number,
  { resamples, seed }: BootstrapOptions,
): Estimate {
  const indices = Int32Array.from({ length: n }, (_, i) => i);
  const estimate = statistic(indices);
  const random = fastRandom(seed);
  const draws: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    // Storing in an Int32Array rounds down.
    for (let i = 0; i < n; i++) indices[i] = random() * n;
    const draw = statistic(indices);
    if (Number.isFinite(draw)) draws.push(draw);
  }
  draws.sort((a, b) => a - b);
  if (draws.length === 0) return { mean: estimate, low: estimate, high: estimate, n };
  return { mean: estimate, low: quantile(draws, 0.025), high: quantile(draws, 0.975), n };
}

/** The mean of per-unit numbers with its bootstrap interval. */
export function bootstrapMean(xs: readonly number[], options: BootstrapOptions): Estimate {
  return bootstrap(
    xs.length,
    (indices) => {
      let sum = 0;
      for (const i of indices) sum += xs[i]!;
      return sum / xs.length;
    },
    options,
  );
}
