import * as Plot from "@observablehq/plot";
import { linearAxis, logAxis, type ChartAxis } from "./chart-axes.js";
import { formatNumber } from "./format-number.js";
import { html, type Html } from "./html.js";
import { renderPlot } from "./render-plot.js";

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** Of an interval around y. */
  readonly low?: number;
  readonly high?: number;
}

export interface Curve {
  readonly label: string;
  /** By rising x; at least one. */
  readonly points: readonly CurvePoint[];
  /** From 0 on; curves that belong together share theirs. */
  readonly colour: number;
  /** Bounds and references. */
  readonly isDashed?: boolean;
  /** One of many behind their mean: no dots and no place in the legend. */
  readonly isThin?: boolean;
  /** How intervals are drawn: as an area along the curve, or as a bar at each point. */
  readonly spread?: "band" | "bars";
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
  /** Dashed lines across the plot, named at their end. */
  readonly levels?: readonly { readonly label: string; readonly y: number }[];
  /** A vertical line. */
  readonly mark?: { readonly x: number; readonly label: string } | null;
  /** A figure as wide as the page's column, not one of several side by side. */
  readonly isWide?: boolean;
  /** Names of values of x, which get the only ticks. */
  readonly xNames?: ReadonlyMap<number, string>;
  /** Beside the title: the number that matters most. */
  readonly figure?: string;
  /** Left out where charts beside each other share a legend. */
  readonly hasLegend?: boolean;
}

/** Of the plot, in its own pixels. */
export const chartSize = ({ isWide = false }: Pick<CurvesChart, "isWide">) =>
  isWide ? { width: 880, height: 320 } : { width: 360, height: 198 };

/** Colours that `CURVE_STYLE` has. */
export const COLOURS = 10;
/** Points of more are not drawn one by one; they tell their value all the same. */
const MAX_DOTS = 40;

/** A figure that compares curves, with their names below it: SVG without scripts; hovering a point tells its value. */
export function curvesChart(chart: CurvesChart): Html {
  const { title, unit, hasLegend = true, figure = null } = chart;
  const drawn = drawCurves(chart);
  if (drawn === null) return emptyChart(title, unit);
  return html`<figure class="chart${chart.isWide ? " wide" : ""}">
    <figcaption>
      <b>${title}</b> ${figure === null ? null : html`<span class="last">${figure}</span>`}
      <span class="unit">${unit}</span>
    </figcaption>
    ${drawn.svg} ${hasLegend ? legend(drawn.named) : null}
  </figure>`;
}

export interface DrawnCurves {
  readonly svg: Html;
  /** What a legend names. */
  readonly named: readonly Curve[];
}

/** The plot by itself. @returns null if there is no point to draw */
export function drawCurves(chart: CurvesChart): DrawnCurves | null {
  const curves = chart.curves
    .map((curve) => ({ ...curve, points: curve.points.filter((point) => isShown(chart, point)) }))
    .filter(({ points }) => points.length > 0);
  if (curves.length === 0) return null;
  const named = curves.filter(({ isThin }) => isThin !== true);
  const summary = named.map(({ label, points }) => `${label}: ${tell(chart.xName, points.at(-1)!)}`).join("; ");
  return { svg: renderPlot(plotOptions(chart, curves), `${chart.title}. ${summary}`), named };
}

/** The names of curves with their colours, each once. */
export const legend = (curves: readonly Pick<Curve, "label" | "colour" | "isDashed">[]): Html =>
  html`<ul class="legend">
    ${curves.map(
      ({ label, colour, isDashed }) =>
        html`<li class="colour-${colour % COLOURS}${isDashed ? " dashed" : ""}">${label}</li>`,
    )}
  </ul>`;

const tell = (xName: string, { x, y, low, high }: CurvePoint): string =>
  `${formatNumber(y)} at ${xName} ${formatNumber(x)}` +
  (low === undefined || high === undefined ? "" : ` (${formatNumber(low)} to ${formatNumber(high)})`);

const isShown = ({ isLogX, isLogY }: CurvesChart, { x, y }: CurvePoint): boolean =>
  (!isLogX || x > 0) && (!isLogY || y > 0);

function plotOptions(chart: CurvesChart, curves: readonly Curve[]): Plot.PlotOptions {
  const { xName, xNames, isLogX = false, isLogY = false, isWide = false, levels = [], mark = null } = chart;
  const points = curves.flatMap((curve) => curve.points);
  const xs = points.map(({ x }) => x);
  const ys = [...points.flatMap(({ y, low = y, high = y }) => [y, low, high]), ...levels.map(({ y }) => y)];
  const x = isLogX ? logAxis(xs) : linearAxis(xs);
  const y = isLogY ? logAxis(ys.filter((value) => value > 0)) : linearAxis(ys);
  const isInside = mark !== null && mark.x >= x.domain[0] && mark.x <= x.domain[1];
  return {
    ...chartSize(chart),
    ...{ marginLeft: 46, marginRight: 12, marginTop: 12, marginBottom: 36 },
    x: { type: isLogX ? "log" : "linear", domain: x.domain, inset: 2 },
    y: { type: isLogY ? "log" : "linear", domain: y.domain, nice: !isLogY },
    marks: [
      ...axes({ x, y, xName, xNames, isWide, areXsWhole: xs.every(Number.isInteger) }),
      ...levels.flatMap(levelMarks),
      ...(isInside ? markMarks(mark, x) : []),
      ...curves.filter(({ isThin }) => isThin === true).flatMap((curve) => curveMarks(curve, xName)),
      ...curves.filter(({ isThin }) => isThin !== true).flatMap((curve) => curveMarks(curve, xName)),
    ],
  };
}

interface Axes {
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly xName: string;
  readonly xNames: CurvesChart["xNames"];
  readonly isWide: boolean;
  readonly areXsWhole: boolean;
}

function axes({ x, y, xName, xNames, isWide, areXsWhole }: Axes): Plot.Markish[] {
  const vertical = { ticks: y.ticks ?? (isWide ? 6 : 4) } as { ticks: number };
  const horizontal = { ticks: xNames ? [...xNames.keys()] : (x.ticks ?? (isWide ? 10 : 6)) } as { ticks: number };
  // Nothing happens between two iterations.
  const xTick = (tick: number): string =>
    xNames?.get(tick) ?? (areXsWhole && !Number.isInteger(tick) ? "" : formatNumber(tick));
  const holdsZero = y.ticks === undefined && y.domain[0] <= 0 && y.domain[1] >= 0;
  return [
    Plot.gridY({ ...vertical, stroke: "var(--grid)", strokeOpacity: 1 }),
    ...(holdsZero ? [Plot.ruleY([0], { stroke: "var(--zero)" })] : []),
    Plot.axisY({ ...vertical, tickSize: 0, label: null, tickFormat: formatNumber }),
    Plot.axisX({
      ...horizontal,
      tickSize: 0,
      tickFormat: xTick,
      label: xName,
      labelArrow: "none",
      labelAnchor: "right",
      labelOffset: 34,
    }),
  ];
}

const levelMarks = (level: { readonly label: string; readonly y: number }): Plot.Markish[] => [
  Plot.ruleY([level], { y: "y", stroke: "currentColor", strokeDasharray: "5 4", title: "label" }),
  Plot.text([level], { y: "y", frameAnchor: "right", text: "label", dy: -7, fill: "currentColor" }),
];

function markMarks(mark: { readonly x: number; readonly label: string }, { domain: [low, high] }: ChartAxis) {
  const isRight = mark.x > (low + high) / 2;
  return [
    Plot.ruleX([mark], { x: "x", stroke: "var(--mark)", strokeDasharray: "3 3" }),
    Plot.text([mark], {
      ...{ x: "x", text: "label", fill: "var(--mark)", frameAnchor: "top", dx: isRight ? -4 : 4, dy: -3 },
      textAnchor: isRight ? "end" : "start",
    }),
  ];
}

function curveMarks({ label, points, colour, isDashed, isThin, spread }: Curve, xName: string): Plot.Markish[] {
  const stroke = `var(--c${colour % COLOURS})`;
  const line = Plot.line(points, { x: "x", y: "y", stroke, ...lineLook({ isDashed, isThin }) });
  if (isThin) return [line];
  const title = (point: CurvePoint): string => `${label}: ${tell(xName, point)}`;
  const hasDots = points.length <= MAX_DOTS && !isDashed;
  const every = Math.ceil(points.length / MAX_DOTS);
  return [
    ...spreadMarks(points, stroke, spread),
    line,
    ...(hasDots ? [Plot.dot(points, { x: "x", y: "y", r: 2.4, fill: stroke })] : []),
    Plot.dot(
      points.filter((_, i) => i % every === 0 || i === points.length - 1),
      { x: "x", y: "y", r: 7, fill: "transparent", title, className: "target" },
    ),
  ];
}

const lineLook = ({
  isDashed,
  isThin,
}: {
  readonly isDashed?: boolean | undefined;
  readonly isThin?: boolean | undefined;
}) =>
  isThin
    ? { strokeWidth: 0.8, strokeOpacity: 0.4 }
    : isDashed
      ? { strokeWidth: 1.4, strokeOpacity: 0.85, strokeDasharray: "4 4" }
      : { strokeWidth: 1.8 };

function spreadMarks(points: readonly CurvePoint[], stroke: string, spread: Curve["spread"]): Plot.Markish[] {
  const known = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  if (known.length === 0 || spread === undefined) return [];
  if (spread === "bars") return [Plot.ruleX(known, { x: "x", y1: "low", y2: "high", stroke, strokeWidth: 1.4 })];
  return [Plot.areaY(known, { x: "x", y1: "low", y2: "high", fill: stroke, fillOpacity: 0.16 })];
}

const emptyChart = (title: string, unit: string): Html =>
  html`<figure class="chart">
    <figcaption><b>${title}</b> <span class="unit">${unit}</span></figcaption>
    <p class="note">Nothing to show.</p>
  </figure>`;

/** Beside the report's style sheet, where a page has such charts. */
export const CURVE_STYLE = `
:root { --c0: #0b6e69; --c1: #b4541a; --c2: #5b57b5; --c3: #8a6d00; --c4: #a8326b; --c5: #6d737b; --c6: #2f6fb0; --c7: #4d7a1f; --c8: #8b4b8f; --c9: #8a3b2a; }
@media screen and (prefers-color-scheme: dark) {
  :root { --c0: #4fc4b8; --c1: #e39a63; --c2: #a7a3f0; --c3: #d9bd4a; --c4: #ec8ab8; --c5: #9aa3ad; --c6: #7db4ea; --c7: #a3cc6b; --c8: #cf9bd3; --c9: #e08f7c; }
}
${Array.from({ length: COLOURS }, (_, i) => `.colour-${i} { --own: var(--c${i}); }`).join("\n")}
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 2px; padding: 0; list-style: none; font-size: 12px; color: var(--quiet); }
.legend li::before { content: ""; display: inline-block; width: 16px; margin: 0 6px 3px 0; vertical-align: middle;
  border-top: 2px solid var(--own); }
.legend li.dashed::before { border-top-style: dashed; }
`;
