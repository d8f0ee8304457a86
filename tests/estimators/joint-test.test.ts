import { describe, expect, test } from "@jest/globals";
import { Random } from "../../src/math/random.js";
import { chiSquareTail, jointMeanTest } from "./joint-test.js";

describe("the tail of the chi-square distribution", () => {
  test.each([
    [3.841459, 1, 0.05],
    [11.070498, 5, 0.05],
    [23.684791, 14, 0.05],
    [10.827566, 1, 0.001],
    [29.588298, 10, 0.001],
    [36.123274, 14, 0.001],
  ])("beyond %d with %d degrees of freedom is that of the tables", (x, degrees, p) => {
    expect(chiSquareTail(x, degrees) / p).toBeCloseTo(1, 5);
  });

  test("with two degrees of freedom is exp(-x / 2)", () => {
    for (const x of [0.01, 1, 3, 8, 20]) expect(chiSquareTail(x, 2)).toBeCloseTo(Math.exp(-x / 2), 9);
  });
});

describe("the joint test of a mean", () => {
  /** Vectors with three dependent entries, the third the sum of the others, and a fourth that is always 2. */
  const samplesOf = (seed: number) => {
    const random = new Random(BigInt(seed));
    return Array.from({ length: 300 }, () => {
      const [a, b] = [random.next(), random.next()];
      return [a, 3 * b + a, 3 * b + 2 * a, 2];
    });
  };
  const MEAN = [0.5, 2, 2.5, 2];

  test("counts what varies by itself, and refuses a true mean as often as its level says", () => {
    const results = Array.from({ length: 2000 }, (_, seed) => jointMeanTest(samplesOf(seed), MEAN));
    expect(results.every(({ rank }) => rank === 2)).toBe(true);
    for (const level of [0.05, 0.5]) {
      const refused = results.filter(({ p }) => p < level).length;
      // Four deviations of the binomial.
      const deviation = Math.sqrt(2000 * level * (1 - level));
      expect(Math.abs(refused - 2000 * level)).toBeLessThan(4 * deviation);
    }
  });

  test("refuses a mean that is off where the samples vary, where they vary together only, and where they do not", () => {
    const samples = samplesOf(1);
    for (const wrong of [
      [0.6, 2, 2.5, 2],
      [0.5, 2, 2.51, 2],
      [0.5, 2, 2.5, 2.01],
    ])
      expect(jointMeanTest(samples, wrong).p).toBeLessThan(1e-6);
  });
});
