/**
 * Share of pairs of the same group, with different ratings, whose scores have the order of their ratings; a tie of
 * scores counts one half.
 * @param scores [rows]
 * @param ratings [rows]
 * @param groupSizes rows in each group, one group after the other; [groups]
 * @param weights how often each row counts (a bootstrap resample); a pair counts as often as the product; [rows]
 * @returns NaN if no two ratings of a group differ
 */
export function pairAccuracy(
  scores: readonly number[],
  ratings: readonly number[],
  groupSizes: readonly number[],
  weights?: ArrayLike<number>,
): number {
  let right = 0;
  let pairs = 0;
  let start = 0;
  for (const size of groupSizes) {
    for (let i = start; i < start + size; i++) {
      const weight = weights?.[i] ?? 1;
      if (weight === 0) continue;
      for (let j = i + 1; j < start + size; j++) {
        const difference = ratings[i]! - ratings[j]!;
        if (difference === 0) continue;
        const times = weight * (weights?.[j] ?? 1);
        pairs += times;
        right += (times * (1 + Math.sign(difference * (scores[i]! - scores[j]!)))) / 2;
      }
    }
    start += size;
  }
  return right / pairs;
}
