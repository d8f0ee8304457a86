import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { greatest, least } from "../../src/math/extremes.js";

test("are what Math.max and Math.min say, of none and of NaN too", () => {
  fc.assert(
    fc.property(fc.array(fc.double(), { maxLength: 50 }), (values) => {
      // -0 and 0 are the same number.
      expect(greatest(values) + 0).toBe(Math.max(...values) + 0);
      expect(least(values) + 0).toBe(Math.min(...values) + 0);
    }),
  );
});

test("are found among more values than a call takes arguments", () => {
  const values = Float64Array.from({ length: 500_000 }, (_, i) => i % 1000);
  expect([least(values), greatest(values)]).toEqual([0, 999]);
});
