import { expect, test } from "@jest/globals";
import { BadInputError } from "../../../src/errors.js";
import { COVERAGE, studyCoverage } from "../../../src/study/coverage/study-coverage.js";
import { silent as progress } from "../silent-progress.js";

test("the gap grows as fewer responses of the data are the right one", async () => {
  const options = { ...COVERAGE, horizon: 8, right: [64, 2], seeds: [1, 2], budgetTokens: 10_000 };
  const { figures, charts } = await studyCoverage(options, { progress });
  const rows = figures["rows"] as readonly { readonly right: number; readonly gap: number }[];
  expect(rows.map(({ right }) => right)).toEqual([64, 2]);
  expect(rows[0]!.gap).toBeLessThan(0.1);
  expect(rows[1]!.gap).toBeGreaterThan(rows[0]!.gap + 0.3);
  expect(figures["runs"]).toHaveLength(2 * 3);
  expect(charts[0]!.curves[0]!.points.map(({ x }) => x)).toEqual([2 / 128, 0.5]);
});

test("more right responses than there are is bad input", async () => {
  const studying = studyCoverage({ ...COVERAGE, responses: 10, right: [11] }, { progress });
  await expect(studying).rejects.toThrow(BadInputError);
});
