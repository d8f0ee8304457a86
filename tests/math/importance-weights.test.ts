import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { truncatedImportanceWeights } from "../../src/math/importance-weights.js";

const logprob = fc.double({ min: -8, max: 0, noNaN: true });

describe("truncatedImportanceWeights", () => {
  test("are ratios of probabilities, cut at the largest weight", () => {
    const weights = truncatedImportanceWeights([0.3, 0.3, 0.1].map(Math.log), [0.1, 0.2, 0.4].map(Math.log), 2);
    [2, 1.5, 0.25].forEach((weight, token) => expect(weights[token]).toBeCloseTo(weight, 12));
  });

  test("are 1 where sampler and trainer agree", () => {
    fc.assert(
      fc.property(fc.array(logprob), fc.double({ min: 1, max: 10, noNaN: true }), (logprobs, maxWeight) => {
        expect(truncatedImportanceWeights(logprobs, logprobs, maxWeight)).toEqual(logprobs.map(() => 1));
      }),
    );
  });
});
