import type { Metric } from "../domain/evaluation.js";
import { html, type Html } from "./html.js";

const [WIDTH, ROW, MARGIN] = [150, 14, 6];

/**
 * Means as dots on their 95 % intervals, one above the other on a common axis. It repeats the numbers beside it, so
 * that screen readers skip it.
 * @param noChange drawn as a vertical line, and kept within the axis
 */
export function intervalPlot(
  rows: readonly { readonly metric: Metric; readonly className: string }[],
  noChange: number | null = null,
): Html {
  const ends = [...rows.flatMap(({ metric }) => [metric.low, metric.high]), ...(noChange === null ? [] : [noChange])];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const x = (value: number): number =>
    Math.round(10 * (high === low ? WIDTH / 2 : MARGIN + ((value - low) / (high - low)) * (WIDTH - 2 * MARGIN))) / 10;
  const height = ROW * rows.length;
  return html`<svg
    class="intervals"
    preserveAspectRatio="xMinYMid"
    viewBox="0 0 ${WIDTH} ${height}"
    width="${WIDTH}"
    height="${height}"
    aria-hidden="true"
  >
    ${noChange === null ? null : html`<line class="zero" x1="${x(noChange)}" x2="${x(noChange)}" y1="0" y2="${height}" />`}
    ${rows.map(
      ({ metric, className }, i) =>
        html`<g class="${className}"
          ><line x1="${x(metric.low)}" x2="${x(metric.high)}" y1="${ROW * (i + 0.5)}" y2="${ROW * (i + 0.5)}" /><circle
            cx="${x(metric.mean)}"
            cy="${ROW * (i + 0.5)}"
            r="3.5"
        /></g>`,
    )}
  </svg>`;
}
