import { describe, expect, test } from "@jest/globals";
import { criticError, gapBound, klBound, stepSize } from "../../../src/study/npg/npg-bounds.js";

test("eta is 1 / (r_max sqrt T)", () => {
  expect(stepSize(2, 100)).toBe(0.05);
});

test("Lemma B.8 by hand", () => {
  // eta = 1 / (2 * 5) = 0.1: 3 / (0.1 * 25) + 4 * 4 * 0.1 / 2 + 2 * 4 * 0.5 + 0.2 * 3
  const bound = gapBound({
    ...{ horizon: 4, maxScore: 2, iterations: 25, klCoef: 0.2, coveredKl: 3, criticError: 0.5 },
  });
  expect(bound.optimization).toBeCloseTo(1.2 + 0.8, 12);
  expect(bound.critic).toBeCloseTo(4, 12);
  expect(bound.regularization).toBeCloseTo(0.6, 12);
  expect(bound.total).toBeCloseTo(6.6, 12);
});

test("Lemma B.11 by hand: nothing has moved at t = 1", () => {
  expect([1, 2, 11].map((t) => klBound({ maxScore: 2, klCoef: 0.5, t }))).toEqual([0, 4, 40]);
});

describe("the critic's error", () => {
  // Two steps; the comparator goes by state 1, never by state 2.
  const certain = [0, -Infinity];
  const even = [Math.log(0.5), Math.log(0.5)];
  const of = { comparator: [certain, certain, certain], policy: [even, even, even], visits: [1, 1, 0], horizon: 2 };
  const exact = [
    [0, 0],
    [0, 0],
    [0, 0],
  ];

  test("is the mean over steps under the actor for whom it is larger", () => {
    const estimate = [
      [0.2, 0.4],
      [-0.6, 0.1],
      [9, 9],
    ];
    // Under pi*: (0.2 + 0.6) / 2. Under pi_t: (0.3 + 0.35) / 2.
    expect(criticError({ estimate, exact }, of)).toBeCloseTo(0.4, 12);
    const onTheOther = estimate.map((row) => [row[1]!, row[0]!]);
    expect(criticError({ estimate: onTheOther, exact }, of)).toBeCloseTo(0.325, 12);
  });

  test("of an exact critic is zero", () => {
    expect(criticError({ estimate: exact, exact }, of)).toBe(0);
  });
});
