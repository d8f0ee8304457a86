import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { groupAdvantages, leaveOneOutAdvantages } from "../../src/math/group-baselines.js";

const score = fc.double({ min: -10, max: 10, noNaN: true });
/** Scores and a partition of their indices into groups, in no order. */
const grouped = fc
  .array(fc.tuple(score, fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 16 })
  .map((rows) => ({
    scores: rows.map(([value]) => value),
    groups: [2, 0, 3, 1].map((group) => [...rows.keys()].filter((i) => rows[i]![1] === group)),
  }));

describe("leaveOneOutAdvantages", () => {
  test("each score is compared with the mean of the others of its group", () => {
    fc.assert(
      fc.property(grouped, ({ scores, groups }) => {
        const advantages = leaveOneOutAdvantages(scores, groups);
        for (const group of groups.filter(({ length }) => length > 1)) {
          for (const i of group) {
            const others = group.filter((j) => j !== i).map((j) => scores[j]!);
            const baseline = others.reduce((sum, value) => sum + value, 0) / others.length;
            expect(advantages[i]).toBeCloseTo(scores[i]! - baseline, 9);
          }
        }
      }),
    );
  });

  test("a group of one has nothing to be compared with", () => {
    expect(leaveOneOutAdvantages([7, 1, 3], [[0], [2, 1]])).toEqual([0, -2, 2]);
  });
});

describe("groupAdvantages", () => {
  test("without scaling they are differences from the group's mean", () => {
    expect(
      groupAdvantages(
        [1, 10, 3, 20],
        [
          [0, 2],
          [3, 1],
        ],
        { scaleByDeviation: false },
      ),
    ).toEqual([-1, -5, 1, 5]);
  });

  test("scaled ones have deviation 1, and do not change with the scores' unit", () => {
    fc.assert(
      fc.property(grouped, fc.double({ min: 0.5, max: 20, noNaN: true }), ({ scores, groups }, unit) => {
        const spread = groups.every((group) => {
          const values = group.map((i) => scores[i]!);
          return values.length < 2 || Math.max(...values) - Math.min(...values) > 0.5;
        });
        fc.pre(spread);
        const advantages = groupAdvantages(scores, groups, { scaleByDeviation: true });
        for (const group of groups.filter(({ length }) => length > 1)) {
          const squares = group.map((i) => advantages[i]! ** 2);
          expect(squares.reduce((sum, value) => sum + value, 0) / group.length).toBeCloseTo(1, 5);
        }
        const inUnits = scores.map((value) => value * unit);
        groupAdvantages(inUnits, groups, { scaleByDeviation: true }).forEach((advantage, i) =>
          expect(advantage).toBeCloseTo(advantages[i]!, 5),
        );
      }),
    );
  });

  test("equal scores and groups of one get 0", () => {
    expect(groupAdvantages([2, 5, 2], [[0, 2], [1]], { scaleByDeviation: true })).toEqual([0, 0, 0]);
  });
});
