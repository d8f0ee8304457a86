import { chartSize, type Curve, COLOURS, CURVE_STYLE, drawCurves, type CurvesChart } from "./curves-chart.js";
import { html, Html } from "./html.js";
import { PLOT_STYLE } from "./render-plot.js";
import { PALETTE } from "./report-style.js";

const MARGIN = 14;
const TITLE = 40;
const ROW = 18;
/** Pixels of a character of the legend, about. */
const CHARACTER = 6.4;
const SWATCH = 24;

const STYLE = `${PALETTE}${PLOT_STYLE}${CURVE_STYLE}
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; fill: var(--quiet); }
.title { font-weight: 600; font-size: 13px; fill: var(--ink); } .plot text { font-size: 10.5px; }
.plot { display: inline; width: auto; } .card { fill: var(--card); }
`;

/**
 * A chart as an SVG file by itself, with title and legend: light and dark by the reader's setting where that is known.
 * @returns null if there is no point to draw
 */
export function chartPicture(chart: CurvesChart): string | null {
  const drawn = drawCurves(chart);
  if (drawn === null) return null;
  const { title, unit, hasLegend = true } = chart;
  const size = chartSize(chart);
  const entries = hasLegend ? legendEntries(drawn.named, size.width) : [];
  const rows = entries.length === 0 ? 0 : entries.at(-1)!.row + 1;
  const [width, height] = [size.width + 2 * MARGIN, TITLE + size.height + ROW * rows + 2 * MARGIN];
  const legendTop = MARGIN + TITLE + size.height + ROW / 2;
  return `${
    html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
      <style>
        ${new Html(STYLE)}
      </style>
      <rect class="card" width="${width}" height="${height}" rx="8" />
      <text class="title" x="${MARGIN}" y="${MARGIN + 12}">${title}</text>
      <text x="${MARGIN}" y="${MARGIN + 29}">${unit}</text>
      <g transform="translate(${MARGIN} ${MARGIN + TITLE})">${drawn.svg}</g>
      ${entries.map(
        ({ curve, x, row }) =>
          html`<g transform="translate(${MARGIN + x} ${legendTop + ROW * row})">
            <line
              x2="16"
              stroke="var(--c${curve.colour % COLOURS})"
              stroke-width="2"
              stroke-dasharray="${curve.isDashed ? "4 4" : "none"}"
            />
            <text x="${SWATCH}" y="4">${curve.label}</text>
          </g>`,
      )}
    </svg>`.markup
  }\n`;
}

/** Where each name of the legend goes: as many in a row as there is room for. */
function legendEntries(curves: readonly Curve[], width: number) {
  let [x, row] = [0, 0];
  return curves.map((curve) => {
    const room = SWATCH + CHARACTER * curve.label.length + MARGIN;
    if (x > 0 && x + room > width) [x, row] = [0, row + 1];
    const entry = { curve, x, row };
    x += room;
    return entry;
  });
}
