import { closest, distance } from "fastest-levenshtein";

/** The name that was probably meant; undefined if none is near. Letters' case costs nothing. */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const byLowerCase = new Map(names.map((name) => [name.toLowerCase(), name]));
  const wanted = wrong.toLowerCase();
  const near = closest(wanted, [...byLowerCase.keys()]);
  return distance(wanted, near) <= Math.max(2, near.length / 2) ? byLowerCase.get(near) : undefined;
}
