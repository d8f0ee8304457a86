import { Random } from "./random.js";

export const mean = (xs: readonly number[]): number => xs.reduce((sum, x) => sum + x, 0) / xs.length;

/** Mean squared deviation from the mean (divided by n). */
export function variance(xs: readonly number[]): number {
  const centre = mean(xs);
  return mean(xs.map((x) => (x - centre) ** 2));
}

export const standardDeviation = (xs: readonly number[]): number => Math.sqrt(variance(xs));

/**
 * (x - mean) / sqrt(variance + 1e-8), with the variance divided by n. Numbers that are all equal become zeros.
 * @param shiftMean whether the mean becomes 0; otherwise it is added back, and only the deviation becomes 1
 */
export function whiten(xs: readonly number[], { shiftMean = true }: { readonly shiftMean?: boolean } = {}): number[] {
  const centre = mean(xs);
  const scale = Math.sqrt(variance(xs) + 1e-8);
  const kept = shiftMean ? 0 : centre;
  return xs.map((x) => (x - centre) / scale + kept);
}

/** 1 - Var(target - prediction) / Var(target); 0 where the targets do not vary. */
export function explainedVariance(predictions: readonly number[], targets: readonly number[]): number {
  const total = variance(targets);
  return total === 0 ? 0 : 1 - variance(targets.map((target, i) => target - predictions[i]!)) / total;
}

/** The q-quantile of sorted numbers, by linear interpolation. */
export function quantile(sorted: readonly number[], q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

/**
 * Percentile bootstrap (Efron 1979): `statistic` of `n` units and its 95 % interval over resamples of the units.
 * @param statistic called with the indices of a resample; with 0..n-1 it gives the estimate
 */
export function bootstrap(
  n: number,
  statistic: (indices: Int32Array) => number,
  { resamples, seed }: { readonly resamples: number; readonly seed: bigint },
): { mean: number; low: number; high: number; n: number } {
  const indices = Int32Array.from({ length: n }, (_, i) => i);
  const estimate = statistic(indices);
  const random = fastRandom(seed);
  const draws: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = 0; i < n; i++) indices[i] = Math.floor(random() * n);
    const draw = statistic(indices);
    if (Number.isFinite(draw)) draws.push(draw);
  }
  draws.sort((a, b) => a - b);
  if (draws.length === 0) return { mean: estimate, low: estimate, high: estimate, n };
  return { mean: estimate, low: quantile(draws, 0.025), high: quantile(draws, 0.975), n };
}

/** The mean of per-unit numbers with its bootstrap interval. */
export function bootstrapMean(
  xs: readonly number[],
  options: { readonly resamples: number; readonly seed: bigint },
): { mean: number; low: number; high: number; n: number } {
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

/** A bootstrap draws millions of numbers; 32-bit words (mulberry32, Ettinger 2017) are enough and need no bigint. */
function fastRandom(seed: bigint): () => number {
  let state = Math.floor(new Random(seed).next() * 2 ** 32) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
