import { expect, test } from "@jest/globals";
import { pairedTest } from "../../src/math/paired-test.js";
import type { Comparison } from "../../src/report/figures/comparisons.js";
import type { MetricAgainstSetting } from "../../src/report/figures/metric-against-setting.js";
import { resetFindings } from "../../src/report/reset-findings.js";

const metric = (name: string): Comparison["metric"] => ({
  ...{ name, label: "Reward score", unit: "units", style: { decimals: 2 }, isTested: true, verdicts: null },
  ...{ ofPolicy: () => null, ofSft: () => null, ofReference: () => null },
});

const ablation = [
  {
    metric: metric("score"),
    curves: [{ label: "", points: [0, 0.5, 1].map((x) => ({ x, name: String(x), group: `p${x}`, cell: {} })) }],
  },
] as unknown as readonly MetricAgainstSetting[];

/** Three seeds, whose differences to the baseline are `by` and a little more or less. */
const comparison = (group: string, by: number, { name = "score", baseline = "p0" } = {}): Comparison => ({
  ...{ metric: metric(name), group, baseline, pairedBy: "seed", pHolm: 0.5 },
  test: pairedTest([1 + by, 2 + by + 0.01, 3 + by - 0.01], [1, 2, 3], { draws: 100 }),
});

test.each([
  ["Resets helped at 2 of 2 proportions", [0.5, 1]],
  ["Resets helped at 1 of 2 proportions", [0, 1]],
  ["Resets hurt at 1 of 2 proportions", [-0.5, 0]],
  ["Resets helped at 1 and hurt at 1 of 2 proportions", [-0.5, 0.5]],
  ["Resets made no difference that this can tell", [0, 0.001]],
])("%s", (verdict, [half, whole]) => {
  const [sentence, ...others] = resetFindings(ablation, [comparison("p0.5", half!), comparison("p1", whole!)]);
  expect(others).toEqual([]);
  expect(sentence).toMatch(new RegExp(`^${verdict} by reward score, units\\. Reset proportion against p0, 3 seeds`));
  expect(sentence).toMatch(/ 0\.5: \S+ \(\S+ to \S+, p [=<] \S+\); 1: \S+ \(\S+ to \S+, p [=<] \S+\)\.$/);
});

test("KL is no metric in which more is better, and groups that differ in more than resets say nothing of them", () => {
  expect(
    resetFindings(ablation, [
      comparison("p1", 1, { name: "klK1" }),
      comparison("dpo", 1),
      comparison("p1", 1, { baseline: "dpo" }),
    ]),
  ).toEqual([]);
});
