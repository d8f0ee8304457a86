import { expect, test } from "@jest/globals";
import { curvesChart, type CurvesChart } from "../../src/report/curves-chart.js";

const CHART = {
  ...{ title: "Gap", unit: "score", xName: "T" },
  curves: [
    { label: "gap", colour: 0, points: [1, 10, 100].map((x) => ({ x, y: 1 / x })) },
    { label: "<bound>", colour: 0, isDashed: true, points: [1, 10, 100].map((x) => ({ x, y: 2 / x })) },
  ],
} satisfies CurvesChart;

const paths = (markup: string): string[] => [...markup.matchAll(/<path d="(M[^"]*)"/g)].map(([, path]) => path!);
/** Of curves: what is no tick. */
const curvesOf = (markup: string) => paths(markup).filter((path) => path.includes("L") && !path.startsWith("M0,0"));

test("says what it shows to those who cannot see it, and names its curves safely", () => {
  const { markup } = curvesChart(CHART);
  expect(markup).toContain('aria-label="Gap. gap: 0.01 at T 100; &lt;bound&gt;: 0.02 at T 100"');
  expect(markup).toContain('<li class="colour-0 dashed">&lt;bound&gt;</li>');
  expect(markup).not.toContain("<bound>");
  expect(curvesOf(markup)).toHaveLength(2);
});

test("is SVG by itself: its namespace, one name, no style sheet of its own", () => {
  const { markup } = curvesChart(CHART);
  expect(markup).toContain('xmlns="http://www.w3.org/2000/svg"');
  expect(markup.match(/aria-label/g)).toHaveLength(1);
  expect(markup).not.toMatch(/<style|NaN|Infinity|undefined/);
});

test("on logarithmic axes a power law is a straight line, with ticks at round numbers", () => {
  const { markup } = curvesChart({ ...CHART, isLogX: true, isLogY: true, curves: [CHART.curves[0]!] });
  const [a, b, c] = curvesOf(markup)[0]!
    .slice(1)
    .split("L")
    .map((point) => point.split(",").map(Number));
  for (const axis of [0, 1]) expect(b![axis]).toBeCloseTo((a![axis]! + c![axis]!) / 2, 0);
  for (const tick of ["0.01", "0.1", "1", "10", "100"]) expect(markup).toContain(`>${tick}</text>`);
});

test("leaves out what a logarithm has no place for", () => {
  const zeros = { label: "zeros", colour: 1, points: [{ x: 1, y: 0 }] };
  const mixed = { label: "mixed", colour: 2, points: [0, 1].map((y) => ({ x: y + 1, y })) };
  const { markup } = curvesChart({ ...CHART, isLogY: true, curves: [zeros, mixed] });
  expect(markup).not.toMatch(/NaN|Infinity|zeros/);
  expect(markup).toContain("mixed: 1 at T 2");
  expect(curvesChart({ ...CHART, isLogY: true, curves: [zeros] }).markup).toContain("Nothing to show");
});

test.each([
  ["one point", [{ x: 4, y: 2 }]],
  ["a constant", [1, 2, 3].map((x) => ({ x, y: 0 }))],
  ["a tiny difference", [1, 2, 3].map((x) => ({ x, y: 1 + x * 1e-16 }))],
])("draws %s", (_, points) => {
  expect(curvesChart({ ...CHART, curves: [{ label: "own", colour: 0, points }] }).markup).not.toMatch(/NaN|Infinity/);
});

test("marks only what lies within, and iterations have no halves", () => {
  const points = [1, 2, 3].map((x) => ({ x, y: 10 * x }));
  const chart = (x: number) =>
    curvesChart({ ...CHART, curves: [{ label: "own", colour: 0, points }], mark: { x, label: "best" } }).markup;
  expect(chart(2)).toContain(">best</text>");
  expect(chart(9)).not.toContain("best");
  expect(chart(2)).not.toContain(">1.5</text>");
});

test("many points are not drawn one by one, but some of them tell their value", () => {
  const points = Array.from({ length: 240 }, (_, x) => ({ x, y: Math.sin(x) }));
  const { markup } = curvesChart({ ...CHART, curves: [{ label: "own", colour: 0, points }] });
  const circles = markup.match(/<circle/g)!.length;
  expect(circles).toBeGreaterThan(20);
  expect(circles).toBeLessThan(60);
  expect(markup).toContain("own: 0.237 at T 239");
});
