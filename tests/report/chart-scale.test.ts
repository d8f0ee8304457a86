import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { chartScale } from "../../src/report/chart-scale.js";

const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 20 });

describe("chartScale", () => {
  test("puts every value between the ends, in order, with few ticks that rise", () => {
    fc.assert(
      fc.property(values, (data) => {
        const { ticks, toPixel } = chartScale(data, [100, 0], { tickCount: 4 });
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

  test("has round ticks", () => {
    expect(chartScale([0.12, 0.93], [0, 1], { tickCount: 4 }).ticks).toEqual([0, 0.5, 1]);
    expect(chartScale([-0.031, 0.008], [0, 1], { tickCount: 4 }).ticks).toEqual([-0.04, -0.03, -0.02, -0.01, 0, 0.01]);
    expect(chartScale([3, 3], [0, 1], { tickCount: 4 }).ticks).toEqual([2.6, 2.8, 3, 3.2, 3.4]);
  });

  test("of whole numbers has whole ticks within the data, also of one point", () => {
    const options = { tickCount: 6, integers: true, isTight: true };
    expect(chartScale([1, 3], [0, 10], options).ticks).toEqual([1, 2, 3]);
    expect(chartScale([1, 24], [0, 10], options).ticks).toEqual([5, 10, 15, 20]);
    expect(chartScale([7], [0, 10], options).toPixel(7)).toBe(5);
  });
});
