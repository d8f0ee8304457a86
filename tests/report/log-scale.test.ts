import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { logScale } from "../../src/report/log-scale.js";

const values = fc.array(
  fc.double({ min: -9, max: 9, noNaN: true }).map((power) => 10 ** power),
  { minLength: 1, maxLength: 20 },
);

describe("logScale", () => {
  test("puts every value between the ends, in order, with a few ticks that rise", () => {
    fc.assert(
      fc.property(values, (data) => {
        const { ticks, toPixel } = logScale(data, [100, 0]);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
        expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
        for (const value of data) {
          expect(toPixel(value)).toBeGreaterThanOrEqual(-1e-3);
          expect(toPixel(value)).toBeLessThanOrEqual(100 + 1e-3);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("makes equal ratios equally far apart", () => {
    const { toPixel } = logScale([1, 10000], [0, 100]);
    expect([1, 10, 100, 1000, 10000].map((x) => Math.round(toPixel(x) * 1e9) / 1e9)).toEqual([0, 25, 50, 75, 100]);
  });

  test("has powers of ten where there are enough, else round numbers between them", () => {
    expect(logScale([0.003, 40], [0, 1]).ticks).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
    expect(logScale([3, 40], [0, 1]).ticks).toEqual([1, 10, 100]);
    expect(logScale([30, 60], [0, 1]).ticks).toEqual([20, 50, 100]);
    expect(logScale([1, 4096], [0, 1], { isTight: true }).ticks).toEqual([1, 10, 100, 1000]);
    expect(logScale([1e-9, 1e9], [0, 1]).ticks).toEqual([1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9]);
  });

  test("of one value has room around it", () => {
    expect(logScale([7], [0, 10], { isTight: true }).toPixel(7)).toBeCloseTo(5, 12);
  });
});
