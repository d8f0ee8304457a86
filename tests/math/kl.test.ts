import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { klK1, klK2, klK3 } from "../../src/math/kl.js";

const distribution = fc
  .array(fc.double({ min: 0.05, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
  .map((weights) => weights.map((weight) => weight / weights.reduce((sum, w) => sum + w, 0)));

describe("KL estimators", () => {
  test("k1 and k3 have the exact KL as their expectation", () => {
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

  test("k2's gradient has that of the exact KL as its expectation", () => {
    // p = softmax(z): d ln p_i / d z_j = 1[i = j] - p_j, and d KL / d z_j = p_j (d_j - KL).
    const step = 1e-6;
    fc.assert(
      fc.property(distribution, distribution, (p, q) => {
        const d = p.map((pi, i) => Math.log(pi / q[i]!));
        const exact = klK1(d.map((di, i) => p[i]! * di));
        for (const j of p.keys()) {
          const slopes = d.map(
            (di, i) => ((klK2([di + step]) - klK2([di - step])) / (2 * step)) * ((i === j ? 1 : 0) - p[j]!),
          );
          const expectation = klK1(slopes.map((slope, i) => p[i]! * slope));
          expect(expectation).toBeCloseTo(p[j]! * (d[j]! - exact), 6);
        }
      }),
    );
  });

  test("k2 and k3 are never negative", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { maxLength: 8 }), (logRatios) => {
        expect(klK2(logRatios)).toBeGreaterThanOrEqual(0);
        expect(klK3(logRatios)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
