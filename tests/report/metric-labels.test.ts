import { expect, test } from "@jest/globals";
import { describedLabel, inReadingOrder, metricLabel } from "../../src/report/metric-labels.js";

test("a stage's own label goes before the general one", () => {
  expect(metricLabel("policy", "kl").title).toBe("KL to SFT, from the reset on");
  expect(metricLabel("validation", "kl").title).toBe("KL to SFT");
  expect(metricLabel("policy", "responseTokens").title).toContain("prefix included");
  expect(metricLabel("sft", "loss")).toEqual(describedLabel("sft", "loss"));
});

test("a metric that nobody has described goes by its name, whatever that is", () => {
  expect(metricLabel("policy", "meanFoo")).toEqual({ title: "Mean foo", unit: "" });
  expect(metricLabel("policy", "constructor")).toEqual({ title: "Constructor", unit: "" });
  expect(describedLabel("policy", "constructor")).toBeNull();
});

test("known metrics come first, in their own order, the others by name", () => {
  expect(inReadingOrder(["zeta", "learningRate", "alpha", "score", "klCoef"])).toEqual([
    ...["score", "klCoef", "learningRate", "alpha", "zeta"],
  ]);
});
