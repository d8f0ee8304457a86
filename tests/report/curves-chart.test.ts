import { expect, test } from "@jest/globals";
import { curvesChart } from "../../src/report/curves-chart.js";

const CHART = {
  ...{ title: "Gap", unit: "score", xName: "T" },
  curves: [
    { label: "gap", colour: 0, points: [1, 10, 100].map((x) => ({ x, y: 1 / x })) },
    { label: "<bound>", colour: 0, isDashed: true, points: [1, 10, 100].map((x) => ({ x, y: 2 / x })) },
  ],
};

test("says what it shows to those who cannot see it, and names its curves safely", () => {
  const { markup } = curvesChart(CHART);
  expect(markup).toContain('aria-label="Gap. gap: 0.01 at T 100; &lt;bound&gt;: 0.02 at T 100"');
  expect(markup).toContain('<li class="colour-0 dashed">&lt;bound&gt;</li>');
  expect(markup.match(/<polyline/g)).toHaveLength(2);
});

test("on logarithmic axes a power law is a straight line", () => {
  const { markup } = curvesChart({ ...CHART, isLogX: true, isLogY: true, curves: [CHART.curves[0]!] });
  const [a, b, c] = /points="([^"]*)"/
    .exec(markup)![1]!
    .split(" ")
    .map((point) => point.split(",").map(Number));
  expect(b).toEqual([(a![0]! + c![0]!) / 2, (a![1]! + c![1]!) / 2]);
});

test("leaves out what a logarithm has no place for", () => {
  const zeros = { label: "zeros", colour: 1, points: [{ x: 1, y: 0 }] };
  const mixed = { label: "mixed", colour: 2, points: [0, 1].map((y) => ({ x: y + 1, y })) };
  const { markup } = curvesChart({ ...CHART, isLogY: true, curves: [zeros, mixed] });
  expect(markup).not.toMatch(/NaN|Infinity|zeros/);
  expect(markup).toContain("mixed: 1 at T 2");
  expect(curvesChart({ ...CHART, isLogY: true, curves: [zeros] }).markup).toContain("Nothing to show");
});
