import { expect, test } from "@jest/globals";
import { lineChart } from "../../src/report/line-chart.js";

const chart = (points: readonly { x: number; y: number }[], markedX: number | null = null) =>
  lineChart({
    ...{ title: "Score", unit: "", xName: "iteration", points },
    mark: markedX === null ? null : { x: markedX, label: "best" },
  }).markup;

const series = (length: number) => Array.from({ length }, (_, i) => ({ x: i + 1, y: Math.sin(i / 50) }));

test("says what it shows to those who cannot see it", () => {
  expect(chart(series(3))).toContain('aria-label="Score: 0 at iteration 1, 0.04 at iteration 3"');
});

test("draws one point, and a constant", () => {
  expect(chart([{ x: 4, y: 2 }])).not.toMatch(/NaN|Infinity/);
  expect(chart([1, 2, 3].map((x) => ({ x, y: 0 })))).not.toMatch(/NaN|Infinity/);
});

test("merges what the width cannot show, and says so", () => {
  const markup = chart(series(1000));
  expect(markup).toContain("iteration, means of 4");
  expect(markup.match(/class="dot"/g)).toHaveLength(250);
});

test("marks only what lies within", () => {
  expect(chart(series(9), 5)).toContain("best");
  expect(chart(series(9), 12)).not.toContain("best");
});
