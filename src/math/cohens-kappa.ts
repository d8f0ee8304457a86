/**
 * Agreement of two judges beyond chance (Cohen 1960, doi 10.1177/001316446002000104): (observed - expected) / (1 - expected)
 * shares of items with the same label, expected if each judge gave its own labels blindly.
 * @param labels one pair of labels an item
 * @returns null of nothing, and if either judge always gives the same label: chance explains all then
 */
export function cohensKappa(labels: readonly (readonly [string, string])[]): number | null {
  const n = labels.length;
  const firsts = countsOf(labels.map(([first]) => first));
  const seconds = countsOf(labels.map(([, second]) => second));
  if (firsts.size < 2 || seconds.size < 2) return null;
  const observed = labels.filter(([first, second]) => first === second).length / n;
  const expected = [...firsts].reduce((sum, [label, count]) => sum + count * (seconds.get(label) ?? 0), 0) / n ** 2;
  return (observed - expected) / (1 - expected);
}

function countsOf(labels: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}
