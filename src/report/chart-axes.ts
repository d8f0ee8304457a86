/** Where an axis begins and ends, and its ticks if Plot's own do not do. */
export interface ChartAxis {
  readonly domain: readonly [low: number, high: number];
  readonly ticks?: readonly number[];
}

/** A linear axis over the data; numbers that are all equal lie in its middle. */
export function linearAxis(values: readonly number[]): ChartAxis {
  const [low, high] = extent(values);
  const size = Math.max(Math.abs(low), Math.abs(high));
  // Differences that a double barely holds are no curve.
  if (high - low > Math.max(1e-9 * size, 1e-30)) return { domain: [low, high] };
  const room = size < 1e-30 ? 1 : size / 10;
  return { domain: [low - room, high + room] };
}

/** Factors of a power of ten that ticks are put at, the sparsest set first. */
const FACTORS = [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]] as const;
const MAX_TICKS = 7;

/**
 * A logarithmic axis over the data, with ticks at round numbers, powers of ten where there are enough of them: Plot
 * labels all or none.
 * @param values above 0
 */
export function logAxis(values: readonly number[]): ChartAxis {
  let [low, high] = extent(values);
  // One value has no ratios.
  if (high / low < 1 + 1e-9) [low, high] = [low / 2, high * 2];
  const within = FACTORS.map((factors) =>
    roundNumbers(low, high, factors).filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)),
  );
  const ticks = within.find(({ length }) => length >= 3) ?? within.at(-1)!;
  const every = Math.ceil(ticks.length / MAX_TICKS);
  return { domain: [low, high], ticks: ticks.filter((_, i) => i % every === 0) };
}

function roundNumbers(low: number, high: number, factors: readonly number[]): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).flatMap((power) =>
    // Written and read, without the tail of digits that a product of binary fractions has.
    factors.map((factor) => Number(`${factor}e${power}`)),
  );
}

/** Not by spreading into Math.min: there can be more values than a call takes arguments. */
const extent = (values: readonly number[]): [number, number] =>
  values.reduce<[number, number]>(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [Infinity, -Infinity]);
