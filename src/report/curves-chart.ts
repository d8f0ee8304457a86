import { type ChartPoint, dot, horizontal, label, pixel, PLOT, SIZE } from "./chart-parts.js";
import { chartScale } from "./chart-scale.js";
import { formatNumber } from "./format-number.js";
import { html, type Html } from "./html.js";
import { logScale } from "./log-scale.js";

export interface Curve {
  readonly label: string;
  /** By rising x; at least one. */
  readonly points: readonly ChartPoint[];
  /** 0 to 5; curves that belong together share theirs. */
  readonly colour: number;
  /** Bounds and references. */
  readonly isDashed?: boolean;
}

export interface CurvesChart {
  readonly title: string;
  /** Of y; "" if it has none. */
  readonly unit: string;
  /** What x counts. */
  readonly xName: string;
  /** Logarithmic axes; what is not above 0 is left out of them. */
  readonly isLogX?: boolean;
  readonly isLogY?: boolean;
  /** At least one. */
  readonly curves: readonly Curve[];
}

/** Colours that `CURVE_STYLE` has. */
const COLOURS = 6;

/** A figure that compares curves, with their names below it. Plain SVG: no script; hovering a point tells its value. */
export function curvesChart({ title, unit, xName, isLogX = false, isLogY = false, curves: all }: CurvesChart): Html {
  const isShown = ({ x, y }: ChartPoint): boolean => (!isLogX || x > 0) && (!isLogY || y > 0);
  const curves = all
    .map((curve) => ({ ...curve, points: curve.points.filter(isShown) }))
    .filter(({ points }) => points.length > 0);
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) return emptyChart(title, unit);
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [horizontally, vertically] = [[PLOT.left, PLOT.right] as const, [PLOT.bottom, PLOT.top] as const];
  const x = isLogX
    ? logScale(xs, horizontally, { isTight: true })
    : chartScale(xs, horizontally, { tickCount: 6, isTight: true });
  const y = isLogY ? logScale(ys, vertically) : chartScale(ys, vertically, { tickCount: 4 });
  const at = (point: ChartPoint) => [pixel(x.toPixel(point.x)), pixel(y.toPixel(point.y))] as const;
  const tell = (point: ChartPoint): string => `${formatNumber(point.y)} at ${xName} ${formatNumber(point.x)}`;
  const summary = curves.map((curve) => `${curve.label}: ${tell(curve.points.at(-1)!)}`).join("; ");
  return html`<figure class="chart">
    <figcaption><b>${title}</b> <span class="unit">${unit}</span></figcaption>
    <svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${title}. ${summary}">
      ${y.ticks.map((tick) => horizontal(tick, pixel(y.toPixel(tick))))}
      ${x.ticks.map((tick) => label("tick", pixel(x.toPixel(tick)), PLOT.bottom + 14, "middle", formatNumber(tick)))}
      ${label("tick", PLOT.right, SIZE.height - 2, "end", xName)}
      ${curves.map(
        (curve) =>
          html`<g class="${classOf(curve)}">
            <polyline class="curve" points="${curve.points.map((point) => at(point).join(",")).join(" ")}" />
            ${curve.points.map((point) => dot(...at(point), curve.isDashed === true, `${curve.label}: ${tell(point)}`))}
          </g>`,
      )}
    </svg>
    <ul class="legend">
      ${curves.map((curve) => html`<li class="${classOf(curve)}">${curve.label}</li>`)}
    </ul>
  </figure>`;
}

const classOf = ({ colour, isDashed }: Curve): string => `colour-${colour % COLOURS}${isDashed ? " dashed" : ""}`;

const emptyChart = (title: string, unit: string): Html =>
  html`<figure class="chart">
    <figcaption><b>${title}</b> <span class="unit">${unit}</span></figcaption>
    <p class="note">Nothing to show.</p>
  </figure>`;

/** Beside the report's style sheet, where a page has such charts. */
export const CURVE_STYLE = `
:root { --c0: #0b6e69; --c1: #b4541a; --c2: #5b57b5; --c3: #8a6d00; --c4: #a8326b; --c5: #7b8088; }
@media (prefers-color-scheme: dark) {
  :root { --c0: #4fc4b8; --c1: #e39a63; --c2: #a7a3f0; --c3: #d9bd4a; --c4: #ec8ab8; --c5: #9aa3ad; }
}
${Array.from({ length: COLOURS }, (_, i) => `.colour-${i} { --own: var(--c${i}); }`).join("\n")}
.chart [class^="colour"] .curve { stroke: var(--own); } .chart [class^="colour"] .dot { fill: var(--own); }
.chart .dashed .curve { stroke-dasharray: 4 4; stroke-width: 1.4; opacity: 0.85; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 2px; padding: 0; list-style: none; font-size: 12px; color: var(--quiet); }
.legend li::before { content: ""; display: inline-block; width: 16px; margin: 0 6px 3px 0; vertical-align: middle;
  border-top: 2px solid var(--own); }
.legend li.dashed::before { border-top-style: dashed; }
`;
