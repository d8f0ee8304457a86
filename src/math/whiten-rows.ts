import { whiten } from "./statistics.js";

/**
 * Whitens rows of numbers together: all of them, or each run of `rowsPerGroup` rows by itself.
 * @param shiftMean false: the mean stays, only the deviation becomes 1
 * @returns of the shape of `rows`
 */
export function whitenRows(
  rows: readonly (readonly number[])[],
  { rowsPerGroup, shiftMean }: { readonly rowsPerGroup: number | null; readonly shiftMean: boolean },
): number[][] {
  const size = rowsPerGroup ?? rows.length;
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, group) => {
    const together = rows.slice(group * size, (group + 1) * size);
    const whitened = whiten(together.flat(), { shiftMean });
    let start = 0;
    return together.map((row) => whitened.slice(start, (start += row.length)));
  }).flat();
}
