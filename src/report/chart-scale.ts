/** An axis: maps values to pixels, and says where its ticks are. */
export interface ChartScale {
  readonly ticks: readonly number[];
  readonly toPixel: (value: number) => number;
}

/**
 * An axis from the first to the last round number around the data.
 * @param values finite; at least one
 * @param pixels where the axis starts and ends
 * @param options.integers ticks only at whole numbers
 * @param options.isTight the axis ends at the data, ticks lie within
 */
export function chartScale(
  values: readonly number[],
  [start, end]: readonly [number, number],
  options: { readonly tickCount: number; readonly integers?: boolean; readonly isTight?: boolean },
): ChartScale {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Differences that a double barely holds are no curve.
  if (high - low <= Math.max(1e-9 * size, 1e-30)) {
    const room = options.integers || size < 1e-30 ? 1 : size / 10;
    [low, high] = [low - room, high + room];
  }
  const step = roundStep((high - low) / options.tickCount, options.integers ?? false);
  const slack = 1e-9;
  const [first, last] = options.isTight
    ? [Math.ceil(low / step - slack), Math.floor(high / step + slack)]
    : [Math.floor(low / step + slack), Math.ceil(high / step - slack)];
  // Multiples of the step, without the tail of digits that a product of binary fractions has.
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [from, to] = options.isTight ? [low, high] : [ticks[0]!, ticks.at(-1)!];
  return { ticks, toPixel: (value) => start + ((value - from) / (to - from)) * (end - start) };
}

/** The smallest of 1, 2, 5, 10, 20 ... (and their tenths) that is no smaller than `step`. */
function roundStep(step: number, integers: boolean): number {
  if (integers && step <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= step * (1 - 1e-9))!;
  return factor * power;
}
