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
