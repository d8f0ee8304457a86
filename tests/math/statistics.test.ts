import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { bootstrapMean } from "../../src/math/bootstrap.js";
import { uniform } from "../../src/math/noise.js";
import { explainedVariance, mean, quantile, standardDeviation, whiten } from "../../src/math/statistics.js";

const numbers = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 40 });

describe("statistics", () => {
  test("whitened numbers have mean 0 and deviation 1, and keep their order", () => {
    fc.assert(
      fc.property(numbers, (xs) => {
        fc.pre(standardDeviation(xs) > 0.1);
        const white = whiten(xs);
        expect(mean(white)).toBeCloseTo(0, 8);
        expect(standardDeviation(white)).toBeCloseTo(1, 4);
        xs.forEach((x, i) => {
          if (x > xs[0]!) expect(white[i]).toBeGreaterThanOrEqual(white[0]!);
        });
      }),
    );
  });

  test("equal numbers are whitened to zeros, not to NaN", () => {
    expect(whiten([3, 3, 3])).toEqual([0, 0, 0]);
  });

  test("whitened about their own mean, numbers keep it and have deviation 1", () => {
    fc.assert(
      fc.property(numbers, (xs) => {
        fc.pre(standardDeviation(xs) > 0.1);
        const white = whiten(xs, { shiftMean: false });
        expect(mean(white)).toBeCloseTo(mean(xs), 8);
        expect(standardDeviation(white)).toBeCloseTo(1, 4);
      }),
    );
    expect(whiten([3, 3, 3], { shiftMean: false })).toEqual([3, 3, 3]);
  });

  test("explained variance is 1 for a perfect critic and 0 for a constant one", () => {
    expect(explainedVariance([1, 2, 4], [1, 2, 4])).toBe(1);
    expect(explainedVariance([5, 5, 5], [1, 2, 4])).toBeCloseTo(0, 12);
  });

  test("quantiles interpolate", () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(quantile([7], 0.975)).toBe(7);
  });

  test("the bootstrap interval of a mean covers it 95 times in 100", () => {
    // 400 data sets of 60 squares of uniform numbers, whose mean is 1/3: the share has a deviation of 0.011.
    const covered = Array.from({ length: 400 }, (_, trial) => {
      const xs = Array.from({ length: 60 }, (_, i) => uniform(BigInt(trial), i) ** 2);
      const truth = 1 / 3;
      const { low, high } = bootstrapMean(xs, { resamples: 300, seed: BigInt(trial) });
      return low <= truth && truth <= high ? 1 : 0;
    });
    expect(mean(covered)).toBeGreaterThan(0.9);
    expect(mean(covered)).toBeLessThan(0.98);
  });

  test("one seed gives one interval, another seed another", () => {
    const xs = [1, 5, 2, 8, 3];
    const at = (seed: bigint) => bootstrapMean(xs, { resamples: 200, seed });
    expect(at(1n)).toEqual(at(1n));
    expect(at(1n).mean).toBe(mean(xs));
    expect([at(1n).low, at(1n).high]).not.toEqual([at(2n).low, at(2n).high]);
  });
});
