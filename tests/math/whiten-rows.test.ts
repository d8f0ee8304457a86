import { expect, test } from "@jest/globals";
import { mean, standardDeviation } from "../../src/math/statistics.js";
import { whitenRows } from "../../src/math/whiten-rows.js";

const ROWS = [[1, 5], [2], [8, 9, 10], [4]];

test("all rows together have mean 0 and deviation 1, in their shape", () => {
  const whitened = whitenRows(ROWS, { rowsPerGroup: null, shiftMean: true });
  expect(whitened.map(({ length }) => length)).toEqual([2, 1, 3, 1]);
  expect(mean(whitened.flat())).toBeCloseTo(0, 12);
  expect(standardDeviation(whitened.flat())).toBeCloseTo(1, 6);
});

test("without the shift the mean stays", () => {
  const whitened = whitenRows(ROWS, { rowsPerGroup: null, shiftMean: false });
  expect(mean(whitened.flat())).toBeCloseTo(mean(ROWS.flat()), 12);
  expect(standardDeviation(whitened.flat())).toBeCloseTo(1, 6);
});

test("groups of rows are whitened by themselves", () => {
  const whitened = whitenRows(ROWS, { rowsPerGroup: 2, shiftMean: true });
  for (const group of [whitened.slice(0, 2), whitened.slice(2)]) {
    expect(mean(group.flat())).toBeCloseTo(0, 12);
    expect(standardDeviation(group.flat())).toBeCloseTo(1, 6);
  }
});
