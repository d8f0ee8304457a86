import type { ChartScale } from "./chart-scale.js";

/** Factors of a power of ten that ticks are put at, the sparsest set first. */
const FACTORS = [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]] as const;
const MAX_TICKS = 7;

/**
 * A logarithmic axis: equal ratios are equally far apart. Ticks are round numbers, powers of ten where the data has
 * enough of them.
 * @param values above 0, finite; at least one
 * @param pixels where the axis starts and ends
 * @param options.isTight the axis ends at the data, ticks lie within; else it ends at the ticks around the data
 */
export function logScale(
  values: readonly number[],
  [start, end]: readonly [number, number],
  { isTight = false }: { readonly isTight?: boolean } = {},
): ChartScale {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  // One value has no ratios.
  if (high / low < 1 + 1e-9) [low, high] = [low / 2, high * 2];
  const candidates = FACTORS.map((factors) => roundNumbers(low, high, factors));
  const around = (numbers: readonly number[]): readonly number[] =>
    isTight
      ? numbers.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9))
      : numbers.slice(
          numbers.findLastIndex((tick) => tick <= low * (1 + 1e-9)),
          numbers.findIndex((tick) => tick >= high * (1 - 1e-9)) + 1,
        );
  const dense = candidates.map(around);
  const chosen = dense.find((ticks) => ticks.length >= 3) ?? dense.at(-1)!;
  const [from, to] = isTight ? [low, high] : [chosen[0]!, chosen.at(-1)!];
  const toPixel = (value: number): number => start + (Math.log(value / from) / Math.log(to / from)) * (end - start);
  return { ticks: thinned(chosen), toPixel };
}

/** factor * 10^k from below `low` to above `high`, rising. */
function roundNumbers(low: number, high: number, factors: readonly number[]): number[] {
  const [first, last] = [Math.floor(Math.log10(low)) - 1, Math.ceil(Math.log10(high)) + 1];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).flatMap((power) =>
    // Written and read, without the tail of digits that a product of binary fractions has.
    factors.map((factor) => Number(`${factor}e${power}`)),
  );
}

/** Every second, third ... of too many ticks. */
function thinned(ticks: readonly number[]): readonly number[] {
  const every = Math.ceil(ticks.length / MAX_TICKS);
  return ticks.filter((_, i) => i % every === 0);
}
