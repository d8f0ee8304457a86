import { readFileSync } from "node:fs";
import { expect } from "@jest/globals";

/** A file of tests/golden: numbers found by scripts/make-golden-vectors.py, which shares no code with what is tested. */
export const readGolden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as T;

/** The same numbers within 1e-6 of each. */
export const expectNear = (found: readonly number[], expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(found[i]! - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value) + 1e-12);
  }
};
