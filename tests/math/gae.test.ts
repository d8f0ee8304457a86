import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { gae } from "../../src/math/gae.js";

const unit = fc.double({ min: -5, max: 5, noNaN: true });
const steps = fc.array(fc.tuple(unit, unit), { minLength: 1, maxLength: 12 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** A_t = sum over l of (gamma lambda)^l delta_{t+l}, as eq. 16 of arXiv 1506.02438 writes it. */
function advantagesBySum(rewards: number[], values: number[], gamma: number, lambda: number): number[] {
  const delta = rewards.map((reward, t) => reward + gamma * (values[t + 1] ?? 0) - values[t]!);
  return rewards.map((_, t) => delta.slice(t).reduce((sum, d, l) => sum + (gamma * lambda) ** l * d, 0));
}

describe("gae", () => {
  test("equals the sum of discounted temporal differences", () => {
    fc.assert(
      fc.property(steps, share, share, (pairs, gamma, gaeLambda) => {
        const rewards = pairs.map(([reward]) => reward);
        const values = pairs.map(([, value]) => value);
        const { advantages } = gae(rewards, values, { gamma, gaeLambda });
        advantagesBySum(rewards, values, gamma, gaeLambda).forEach((expected, t) => {
          expect(advantages[t]).toBeCloseTo(expected, 9);
        });
      }),
    );
  });

  test("with lambda 1 and gamma 1 the returns are the rewards to go", () => {
    const { returns } = gae([1, -2, 4], [0.3, 7, -1], { gamma: 1, gaeLambda: 1 });
    [3, 2, 4].forEach((expected, t) => {
      expect(returns[t]).toBeCloseTo(expected, 12);
    });
  });

  test("with lambda 0 each advantage is one temporal difference", () => {
    const { advantages } = gae([1, 2], [10, 20], { gamma: 0.5, gaeLambda: 0 });
    expect(advantages).toEqual([1 + 0.5 * 20 - 10, 2 - 20]);
  });
});
