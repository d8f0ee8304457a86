import { describe, expect, test } from "@jest/globals";
import { adaptKlCoef } from "../../src/math/adaptive-kl.js";

const adapt = (kl: number) => adaptKlCoef({ klCoef: 0.5, kl, target: 4, horizon: 1000, rollouts: 100 });

describe("adaptKlCoef", () => {
  test("stays where the KL is on its target", () => {
    expect(adapt(4)).toBe(0.5);
  });

  test("moves in proportion to the error while that is small", () => {
    expect(adapt(4.4)).toBeCloseTo(0.5 * (1 + 0.1 * 0.1), 12);
    expect(adapt(3.6)).toBeCloseTo(0.5 * (1 - 0.1 * 0.1), 12);
  });

  test("an error beyond a fifth counts as a fifth, on both sides", () => {
    expect(adapt(400)).toBeCloseTo(0.5 * 1.02, 12);
    expect(adapt(-1)).toBeCloseTo(0.5 * 0.98, 12);
  });
});
