import { describe, expect, test } from "@jest/globals";
import { pairAccuracy } from "../../src/math/pair-accuracy.js";

describe("pairAccuracy", () => {
  test("counts pairs of one group whose ratings differ", () => {
    expect(pairAccuracy([3, 2, 1], [3, 2, 1], [3])).toBe(1);
    expect(pairAccuracy([1, 2, 3], [3, 2, 1], [3])).toBe(0);
    // Of (a, b), (a, c) and (b, c) the ratings of b and c are equal; a against c is wrong.
    expect(pairAccuracy([2, 1, 3], [5, 4, 4], [3])).toBe(0.5);
  });

  test("never compares across groups", () => {
    expect(pairAccuracy([1, 0, 10, 9], [1, 0, 1, 0], [2, 2])).toBe(1);
    expect(pairAccuracy([1, 0, 10, 11], [1, 0, 1, 0], [2, 2])).toBe(0.5);
  });

  test("a tie of scores counts one half, and nothing to compare is NaN", () => {
    expect(pairAccuracy([1, 1], [1, 0], [2])).toBe(0.5);
    expect(pairAccuracy([1, 2], [1, 1], [2])).toBeNaN();
  });

  test("weights are those of a resample with repeated rows", () => {
    const resampled = pairAccuracy([1, 1, 0, 5], [1, 1, 0, 0], [4]);
    expect(pairAccuracy([1, 0, 5], [1, 0, 0], [3], [2, 1, 1])).toBe(resampled);
  });
});
