import { describe, expect, test } from "@jest/globals";
import { learningRateAt } from "../../src/math/learning-rate.js";

const schedule = { learningRate: 1, warmupShare: 0, decay: "constant", finalShare: 0 } as const;
const rates = (options: Partial<Parameters<typeof learningRateAt>[0]>, total: number) =>
  Array.from({ length: total }, (_, index) => learningRateAt({ ...schedule, ...options }, index, total));

describe("learningRateAt", () => {
  test("rises over the warm-up to the peak", () => {
    expect(rates({ warmupShare: 0.4 }, 5)).toEqual([0.5, 1, 1, 1, 1]);
  });

  test("falls linearly towards the final share", () => {
    expect(rates({ decay: "linear" }, 4)).toEqual([1, 0.75, 0.5, 0.25]);
    expect(rates({ decay: "linear", finalShare: 0.5 }, 2)).toEqual([1, 0.75]);
  });

  test("cosine starts at the peak and passes the middle half way", () => {
    const [first, , middle] = rates({ decay: "cosine" }, 4);
    expect(first).toBe(1);
    expect(middle).toBeCloseTo(0.5, 12);
  });
});
