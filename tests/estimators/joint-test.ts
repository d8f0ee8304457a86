/** Upper tail of the chi-square distribution: P(X > x) with `degrees` degrees of freedom. */
export function chiSquareTail(x: number, degrees: number): number {
  return 1 - regularisedGamma(degrees / 2, x / 2);
}

/** P(a, x), by its series below a + 1 and by its continued fraction above (Numerical Recipes, section 6.2). */
function regularisedGamma(a: number, x: number): number {
  if (x <= 0) return 0;
  const scale = Math.exp(-x + a * Math.log(x) - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 1000 && term > sum * 1e-15; n++) sum += term *= x / (a + n);
    return sum * scale;
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1000; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return 1 - scale * fraction;
}

/** Stirling's series, after shifting x above 10. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  for (; z < 10; z++) shift += Math.log(z);
  const inverse = 1 / z ** 2;
  const series = (1 / 12 - inverse * (1 / 360 - inverse / 1260)) / z;
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}

/**
 * Whether independent vectors have the mean that is expected, all entries at once: n (m - mu)' S^+ (m - mu) is chi-square
 * distributed with the rank of the covariance S, if it is so and n is large.
 * @param samples [n][entries]
 */
export function jointMeanTest(
  samples: readonly (readonly number[])[],
  expected: readonly number[],
): { readonly p: number; readonly rank: number; readonly largestDeviation: number } {
  const n = samples.length;
  const size = expected.length;
  const mean = expected.map((_, i) => samples.reduce((sum, row) => sum + row[i]!, 0) / n);
  const covariance = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const row of samples) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) covariance[i]![j]! += ((row[i]! - mean[i]!) * (row[j]! - mean[j]!)) / (n - 1);
    }
  }
  const { values, vectors } = eigenOf(covariance);
  const smallest = Math.max(...values) * 1e-9;
  const gap = mean.map((value, i) => value - expected[i]!);
  let statistic = 0;
  let rank = 0;
  values.forEach((value, k) => {
    const along = gap.reduce((sum, one, i) => sum + one * vectors[i]![k]!, 0);
    if (value > smallest) {
      statistic += (n * along ** 2) / value;
      rank++;
    } else if (Math.abs(along) > 1e-9) {
      // Where the samples do not vary at all, they must have the mean exactly.
      statistic = Infinity;
    }
  });
  return {
    p: Number.isFinite(statistic) ? chiSquareTail(statistic, rank) : 0,
    rank,
    largestDeviation: Math.max(...gap.map(Math.abs)),
  };
}

/** Eigenvalues and -vectors (in columns) of a symmetric matrix, by Jacobi's rotations. */
function eigenOf(matrix: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const a = matrix.map((row) => [...row]);
  const size = a.length;
  const v = a.map((_, i) => a.map((_, j): number => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += a[p]![q]! ** 2;
    if (off < 1e-30) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (Math.sign(theta) || 1) / (Math.abs(theta) + Math.sqrt(theta ** 2 + 1));
        const c = 1 / Math.sqrt(t ** 2 + 1);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const [x, y] = [a[k]![p]!, a[k]![q]!];
          a[k]![p] = c * x - s * y;
          a[k]![q] = s * x + c * y;
        }
        for (let k = 0; k < size; k++) {
          const [x, y] = [a[p]![k]!, a[q]![k]!];
          a[p]![k] = c * x - s * y;
          a[q]![k] = s * x + c * y;
          const [vx, vy] = [v[k]![p]!, v[k]![q]!];
          v[k]![p] = c * vx - s * vy;
          v[k]![q] = s * vx + c * vy;
        }
      }
    }
  }
  return { values: a.map((row, i) => row[i]!), vectors: v };
}
