// Math.max(...values) overflows the stack beyond about 120,000 values. As there, NaN is the result if it is among them.

/** The greatest number; -Infinity of none. */
export function greatest(values: Iterable<number>): number {
  let result = -Infinity;
  for (const value of values) if (value > result || value !== value) result = value;
  return result;
}

/** The least number; Infinity of none. */
export function least(values: Iterable<number>): number {
  let result = Infinity;
  for (const value of values) if (value < result || value !== value) result = value;
  return result;
}
