import { expect, test } from "@jest/globals";
import { holm } from "../../src/math/holm.js";

test("the example by hand: ordered p times what is left, never below the one before, at most 1", () => {
  // 0.01 * 4, 0.02 * 3, then 0.03 * 2 = 0.06, and 0.6.
  expect(holm([0.03, 0.01, 0.6, 0.02])).toEqual([0.06, 0.04, 0.6, 0.06]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});

test("one test needs no correction", () => {
  expect(holm([0.2])).toEqual([0.2]);
});
