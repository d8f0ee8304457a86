import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { klK1, klK3 } from "../../src/math/kl.js";

const distribution = fc
  .array(fc.double({ min: 0.05, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
  .map((weights) => weights.map((weight) => weight / weights.reduce((sum, w) => sum + w, 0)));

describe("KL estimators", () => {
  test("both have the exact KL as their expectation", () => {
    fc.assert(
      fc.property(distribution, distribution, (p, q) => {
        const exact = p.reduce((sum, pi, i) => sum + pi * Math.log(pi / q[i]!), 0);
        const expectation = (estimator: (d: number[]) => number) =>
          p.reduce((sum, pi, i) => sum + pi * estimator([Math.log(pi / q[i]!)]), 0);
        expect(expectation(klK1)).toBeCloseTo(exact, 10);
        expect(expectation(klK3)).toBeCloseTo(exact, 10);
      }),
    );
  });

  test("k3 is never negative", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { maxLength: 8 }), (logRatios) => {
        expect(klK3(logRatios)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
