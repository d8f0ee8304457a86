import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { retryDelayMs } from "../../src/math/retry-delay.js";

const policy = { baseDelayMs: 100, maxDelayMs: 1000 };

describe("the delay", () => {
  test("doubles from half of its longest to its longest, up to a limit", () => {
    expect([1, 2, 3, 9].map((attempts) => retryDelayMs(attempts, policy, 0))).toEqual([50, 100, 200, 500]);
    expect([1, 2, 3, 9].map((attempts) => retryDelayMs(attempts, policy, 1))).toEqual([100, 200, 400, 1000]);
  });

  test("is never longer than the limit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
        const delay = retryDelayMs(attempts, policy, random);
        expect(delay).toBeGreaterThan(0);
        expect(delay).toBeLessThanOrEqual(policy.maxDelayMs);
      }),
    );
  });
});
