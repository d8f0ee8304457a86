import { describe, expect, test } from "@jest/globals";
import { shapeRewards } from "../../src/drpo/shape-rewards.js";

describe("shapeRewards", () => {
  test("penalises the log-ratio at every token and gives the score at the last", () => {
    const rewards = shapeRewards({ score: 2, logprobs: [-1, -2], referenceLogprobs: [-1.5, -1], endsAt: 1 }, 0.1);
    expect(rewards[0]).toBeCloseTo(-0.1 * 0.5, 12);
    expect(rewards[1]).toBeCloseTo(-0.1 * -1 + 2, 12);
  });

  test("sums to the score minus klCoef times k1", () => {
    const logprobs = [-0.2, -3, -1];
    const referenceLogprobs = [-1, -1, -1];
    const total = shapeRewards({ score: -1, logprobs, referenceLogprobs, endsAt: 2 }, 0.5).reduce(
      (sum, reward) => sum + reward,
      0,
    );
    expect(total).toBeCloseTo(-1 - 0.5 * (0.8 - 2 + 0), 12);
  });

  test("gives the score where the response ends, though tokens follow", () => {
    const logprobs = [-1, -1, -1];
    const rewards = shapeRewards({ score: 2, logprobs, referenceLogprobs: [-1, -1, -2], endsAt: 1 }, 0.5);
    expect(rewards).toEqual([-0, 2, -0.5]);
  });
});
