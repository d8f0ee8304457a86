import { describe, expect, test } from "@jest/globals";
import { lossWeights } from "../../src/math/loss-weights.js";

const TOKENS = [4, 1, 3, 2];
const budget = 5;
/** The weighted sum of numbers that are all one is what a mean of ones is. */
const sumOf = (weights: readonly number[]) => weights.reduce((sum, weight, row) => sum + weight * TOKENS[row]!, 0);

describe("lossWeights", () => {
  test("tokens: every token counts the same", () => {
    expect(lossWeights(TOKENS, { lossMean: "tokens", budget })).toEqual([0.1, 0.1, 0.1, 0.1]);
  });

  test("responses: every response counts the same, whatever its length", () => {
    const weights = lossWeights(TOKENS, { lossMean: "responses", budget });
    weights.forEach((weight, row) => expect(weight * TOKENS[row]!).toBeCloseTo(1 / 4, 12));
  });

  test("budget: a constant that depends on no length", () => {
    expect(lossWeights(TOKENS, { lossMean: "budget", budget })).toEqual([1 / 20, 1 / 20, 1 / 20, 1 / 20]);
  });

  test("rows averaged together: the mean of the means of each run, by the order given", () => {
    const rows = { lossMean: "tokens", budget, rowsPerMean: 2 } as const;
    expect(lossWeights(TOKENS, rows)).toEqual([1 / 10, 1 / 10, 1 / 10, 1 / 10]);
    const shuffled = lossWeights(TOKENS, { ...rows, order: [0, 2, 1, 3] });
    expect(shuffled).toEqual([1 / 14, 1 / 6, 1 / 14, 1 / 6]);
    expect(sumOf(shuffled)).toBeCloseTo(1, 12);
  });

  test("a last run that is shorter counts as much as the others", () => {
    const weights = lossWeights(TOKENS, { lossMean: "tokens", budget, rowsPerMean: 3 });
    expect(weights).toEqual([1 / 16, 1 / 16, 1 / 16, 1 / 4]);
  });
});
