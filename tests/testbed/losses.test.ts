import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { Loss } from "../../src/ports/trainer.js";
import { evaluateLoss as evaluate } from "../../src/testbed/losses.js";

const ROWS = 4;
/** Of the losses that compare sums of log-probs: one row has no span. */
const SPAN_LENGTHS = [2, 1, 0, 1];
const number = fc.double({ min: -2, max: 2, noNaN: true });
const numbers = (length = ROWS) => fc.array(number, { minLength: length, maxLength: length });
const weights = (length = ROWS) =>
  fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: length, maxLength: length });
const row = fc.integer({ min: 0, max: ROWS - 1 });

const evaluateLoss = (loss: Loss, x: readonly number[]) => evaluate(loss, x, SPAN_LENGTHS);

const losses: Readonly<Record<string, fc.Arbitrary<Loss>>> = {
  crossEntropy: fc.record({ kind: fc.constant("crossEntropy"), weights: weights() }),
  clippedSurrogate: fc.record({
    kind: fc.constant("clippedSurrogate"),
    oldLogprobs: numbers(),
    advantages: numbers(),
    weights: weights(),
    clipLow: fc.constant(0.2),
    clipHigh: fc.constant(0.3),
  }),
  clippedValue: fc.record({
    kind: fc.constant("clippedValue"),
    oldValues: numbers(),
    returns: numbers(),
    weights: weights(),
    clipRange: fc.constantFrom(0, 0.2),
  }),
  squaredError: fc.record({
    kind: fc.constant("squaredError"),
    output: fc.constantFrom("values", "scores"),
    targets: numbers(),
    weights: weights(),
  }),
  kl: fc.record({
    kind: fc.constant("kl"),
    referenceLogprobs: numbers(),
    weights: weights(),
    estimator: fc.constantFrom("k1", "k2", "k3"),
  }),
  linear: fc.record({
    kind: fc.constant("linear"),
    output: fc.constantFrom("logprobs", "values", "scores"),
    coefficients: numbers(),
  }),
  bradleyTerry: fc.record({
    kind: fc.constant("bradleyTerry"),
    preferredRows: fc.tuple(row, row, row),
    rejectedRows: fc.tuple(row, row, row),
    weights: weights(3),
  }),
  rankedGroup: fc.record({
    kind: fc.constant("rankedGroup"),
    groupSizes: fc.constantFrom([4], [1, 3], [2, 2]),
    ratings: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: ROWS, maxLength: ROWS }),
    weights: weights(2),
  }),
  dpo: fc.record({
    kind: fc.constant("dpo"),
    referenceLogprobs: numbers(),
    preferredRows: fc.tuple(row, row, row),
    rejectedRows: fc.tuple(row, row, row),
    weights: weights(3),
    beta: fc.double({ min: 0.05, max: 2, noNaN: true }),
    labelSmoothing: fc.constantFrom(0, 0.1, 0.5),
  }),
  logRatioDifference: fc.record({
    kind: fc.constant("logRatioDifference"),
    baseLogprobs: numbers(),
    firstRows: fc.tuple(row, row, row),
    secondRows: fc.tuple(row, row, row),
    targets: numbers(3),
    weights: weights(3),
  }),
};

/** Largest distance at which a kink (a clip's edge) can disturb a central difference. */
const STEP = 1e-6;
const nearKink = (loss: Loss, x: readonly number[]): boolean => {
  const slopes = (direction: number) =>
    evaluateLoss(
      loss,
      x.map((value) => value + direction * 10 * STEP),
    ).gradients;
  return slopes(1).some((slope, i) => Math.abs(slope - (slopes(-1)[i] as number)) > 1e-3);
};

test.each(Object.keys(losses))("the gradient of %s is that of its value", (kind) => {
  fc.assert(
    fc.property(losses[kind]!, numbers(), (loss, x) => {
      fc.pre(!nearKink(loss, x));
      const { gradients } = evaluateLoss(loss, x);
      for (const i of x.keys()) {
        const at = (change: number) => evaluateLoss(loss, x.with(i, x[i]! + change)).loss;
        expect(gradients[i]).toBeCloseTo((at(STEP) - at(-STEP)) / (2 * STEP), 4);
      }
    }),
    { seed: 1 },
  );
});

describe("values by hand", () => {
  test("clipping stops the gradient only where it would push further out", () => {
    const surrogate = (advantages: number[]) =>
      evaluateLoss(
        { kind: "clippedSurrogate", oldLogprobs: [0, 0], advantages, weights: [1, 1], clipLow: 0.2, clipHigh: 0.2 },
        [Math.log(1.5), Math.log(0.5)],
      );
    const { loss, gradients } = surrogate([1, -1]);
    expect(loss).toBeCloseTo(-(1.2 - 0.8), 12);
    expect(gradients).toEqual([0, 0]);
    surrogate([-1, 1]).gradients.forEach((slope, i) => expect(slope).toBeCloseTo([1.5, -0.5][i]!, 12));
  });

  test("a value inside the clip range is fitted, outside it only towards the range", () => {
    const value = (x: number) =>
      evaluateLoss({ kind: "clippedValue", oldValues: [0], returns: [1], weights: [1], clipRange: 0.2 }, [x]);
    expect(value(0.1)).toEqual({ loss: 0.405, gradients: [-0.9] });
    expect(value(0.5).gradients).toEqual([0]);
    expect(value(3)).toEqual({ loss: 2, gradients: [2] });
  });

  test("a ranked group is Bradley-Terry over every two rows whose ratings differ", () => {
    const scores = [0.3, -0.2, 1, 0.5];
    const ranked = evaluateLoss(
      { kind: "rankedGroup", groupSizes: [3, 1], ratings: [2, 1, 1, 9], weights: [0.5, 1] },
      scores,
    );
    const pairs = evaluateLoss(
      { kind: "bradleyTerry", preferredRows: [0, 0], rejectedRows: [1, 2], weights: [0.5, 0.5] },
      scores,
    );
    expect(ranked).toEqual(pairs);
  });

  test("k3 is never negative", () => {
    fc.assert(
      fc.property(number, number, (x, reference) => {
        const loss = { kind: "kl", referenceLogprobs: [reference], weights: [1], estimator: "k3" } as const;
        expect(evaluateLoss(loss, [x]).loss).toBeGreaterThanOrEqual(-1e-15);
      }),
    );
  });

  test("DPO on spans of one token is Bradley-Terry on beta times the log-ratios", () => {
    const pairs = { preferredRows: [0, 2], rejectedRows: [1, 0], weights: [1, 0.5] };
    const [logprobs, referenceLogprobs] = [
      [-1, -2, -0.5],
      [-1.5, -1, -2],
    ];
    const { loss, gradients } = evaluate(
      { kind: "dpo", ...pairs, referenceLogprobs, beta: 0.5, labelSmoothing: 0 },
      logprobs,
      [1, 1, 1],
    );
    const onScores = evaluateLoss({ kind: "bradleyTerry", ...pairs }, [0.25, -0.5, 0.75]);
    expect(loss).toBeCloseTo(onScores.loss, 12);
    gradients.forEach((slope, i) => expect(slope).toBeCloseTo(0.5 * onScores.gradients[i]!, 12));
  });

  test("label smoothing of one half asks for no preference", () => {
    const { gradients } = evaluate(
      {
        kind: "dpo",
        referenceLogprobs: [-1, -1],
        preferredRows: [0],
        rejectedRows: [1],
        weights: [1],
        beta: 0.3,
        labelSmoothing: 0.5,
      },
      [-1, -1],
      [1, 1],
    );
    expect(gradients).toEqual([0, 0]);
  });

  test("the difference of summed log-ratios is fitted to the target", () => {
    const { loss, gradients } = evaluate(
      {
        kind: "logRatioDifference",
        baseLogprobs: [-1, -1, -3],
        firstRows: [0],
        secondRows: [1],
        targets: [0.5],
        weights: [2],
      },
      [-2, -0.5, -1],
      [2, 1],
    );
    // (-1 + 0.5) - 2 - 0.5 = -3
    expect(loss).toBe(9);
    expect(gradients).toEqual([-6, -6, 6]);
  });

  test("Bradley-Terry stays finite at any margin", () => {
    const far = (scores: number[]) =>
      evaluateLoss({ kind: "bradleyTerry", preferredRows: [0], rejectedRows: [1], weights: [1] }, scores);
    expect(far([-1000, 1000])).toEqual({ loss: 2000, gradients: [-1, 1] });
    expect(far([1000, -1000])).toEqual({ loss: 0, gradients: [0, 0] });
  });
});
