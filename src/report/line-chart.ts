import { type ChartPoint, dot, horizontal, label, pixel, PLOT, SIZE } from "./chart-parts.js";
import { chartScale } from "./chart-scale.js";
import { formatNumber } from "./format-number.js";
import { html, type Html } from "./html.js";

export type { ChartPoint } from "./chart-parts.js";

export interface LineChart {
  readonly title: string;
  /** Of y; "" if it has none. */
  readonly unit: string;
  /** What x counts: "iteration". */
  readonly xName: string;
  /** By rising x; at least one. */
  readonly points: readonly ChartPoint[];
  /** A vertical line. */
  readonly mark: { readonly x: number; readonly label: string } | null;
}

const MAX_POINTS = 300;

/** A figure with one curve. Plain SVG: no script, sharp in print, hovering a point tells its value. */
export function lineChart({ title, unit, xName, points: all, mark }: LineChart): Html {
  const { points, merged } = thinned(all);
  const [first, last] = [all[0]!, all.at(-1)!];
  const x = chartScale([first.x, last.x], [PLOT.left, PLOT.right], { tickCount: 6, integers: true, isTight: true });
  const y = chartScale(
    points.map((point) => point.y),
    [PLOT.bottom, PLOT.top],
    { tickCount: 4 },
  );
  const at = (point: ChartPoint): string => `${pixel(x.toPixel(point.x))},${pixel(y.toPixel(point.y))}`;
  const summary = `${title}: ${formatNumber(first.y)} at ${xName} ${first.x}, ${formatNumber(last.y)} at ${xName} ${last.x}`;
  const showsMark = mark !== null && mark.x >= first.x && mark.x <= last.x;
  return html`<figure class="chart">
    <figcaption>
      <b>${title}</b> <span class="last">${formatNumber(last.y)}</span>
      <span class="unit">${unit}</span>
    </figcaption>
    <svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${summary}">
      ${y.ticks.map((tick) => horizontal(tick, pixel(y.toPixel(tick))))}
      ${x.ticks.map((tick) => label("tick", pixel(x.toPixel(tick)), PLOT.bottom + 14, "middle", tick))}
      ${label("tick", PLOT.right, SIZE.height - 2, "end", merged > 1 ? `${xName}, means of ${merged}` : xName)}
      ${showsMark ? vertical(mark.label, pixel(x.toPixel(mark.x))) : null}
      <polyline class="curve" points="${points.map(at).join(" ")}" />
      ${points.map((point) => {
        const [cx, cy] = [pixel(x.toPixel(point.x)), pixel(y.toPixel(point.y))];
        return dot(cx, cy, points.length > 40, `${xName} ${Math.round(point.x)}: ${formatNumber(point.y)}`);
      })}
    </svg>
  </figure>`;
}

function vertical(text: string, x: number): Html {
  const isRight = x > (PLOT.left + PLOT.right) / 2;
  return html`<line class="mark" x1="${x}" x2="${x}" y1="${PLOT.top}" y2="${PLOT.bottom}" />
    ${label("mark-label", x + (isRight ? -4 : 4), PLOT.top + 2, isRight ? "end" : "start", text)}`;
}

/** Neighbours merged into their mean where there are more points than the width can show. */
function thinned(points: readonly ChartPoint[]): { readonly points: readonly ChartPoint[]; readonly merged: number } {
  const merged = Math.ceil(points.length / MAX_POINTS);
  if (merged === 1) return { points, merged };
  const means = Array.from({ length: Math.ceil(points.length / merged) }, (_, i) => {
    const some = points.slice(i * merged, (i + 1) * merged);
    const mean = (of: (point: ChartPoint) => number): number =>
      some.reduce((sum, point) => sum + of(point), 0) / some.length;
    return { x: mean((point) => point.x), y: mean((point) => point.y) };
  });
  return { points: means, merged };
}
