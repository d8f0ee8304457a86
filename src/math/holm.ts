/**
 * p-values corrected for their number (Holm 1979, Scandinavian Journal of Statistics 6): with those of a corrected p
 * under 0.05 called real, the chance that any of these calls is wrong is at most 0.05.
 * @param ps one of each test
 * @returns in the same order, at most 1
 */
export function holm(ps: readonly number[]): readonly number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!);
  const adjusted = ps.map(() => 1);
  let highest = 0;
  for (const [rank, i] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (ps.length - rank) * ps[i]!));
    adjusted[i] = highest;
  }
  return adjusted;
}
