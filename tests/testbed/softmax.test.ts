import { expect, test } from "@jest/globals";
import { entropy, logSoftmax } from "../../src/testbed/softmax.js";

test("probabilities sum to one, whatever the size of the logits", () => {
  for (const logits of [
    [0, 0],
    [1000, 999, -1000],
    [-1e6, -1e6],
  ]) {
    expect(logSoftmax(logits).reduce((sum, logprob) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 12);
  }
});

test("temperature divides the logits", () => {
  expect(logSoftmax([2, 4], 2)).toEqual(logSoftmax([1, 2]));
});

test("entropy of a uniform and of a certain distribution", () => {
  expect(entropy(logSoftmax([5, 5, 5, 5]))).toBeCloseTo(Math.log(4), 12);
  expect(entropy([0, -Infinity])).toBeCloseTo(0, 12);
});
