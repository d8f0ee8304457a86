import * as Plot from "@observablehq/plot";
import { html, type Html } from "./html.js";
import { formatStyled } from "./format-number.js";
import { renderPlot } from "./render-plot.js";

export interface BarsChart {
  readonly title: string;
  readonly unit: string;
  /** What a bar is made of, from the left, with the colour of each: a CSS value. */
  readonly parts: readonly { readonly name: string; readonly colour: string }[];
  readonly bars: readonly { readonly label: string; readonly counts: readonly number[] }[];
}

interface Segment {
  readonly bar: string;
  readonly colour: string;
  readonly x1: number;
  readonly x2: number;
  readonly text: string;
  readonly title: string;
}

/** Bars of shares that add up to one, one above the other. */
export function barsChart({ title, unit, parts, bars }: BarsChart): Html {
  const segments = bars.flatMap(({ label, counts }) => segmentsOf(label, counts, parts));
  const summary = bars.map(({ label }) =>
    segments
      .filter(({ bar }) => bar === label)
      .map((one) => one.title)
      .join("; "),
  );
  const options: Plot.PlotOptions = {
    ...{ width: 880, height: 26 * bars.length + 44 },
    ...{ marginLeft: 190, marginRight: 16, marginTop: 4, marginBottom: 26 },
    x: { domain: [0, 1] },
    y: { domain: bars.map(({ label }) => label), padding: 0.25, label: null },
    marks: [
      Plot.axisX({ tickSize: 0, ticks: 5, label: null, tickFormat: (x: number) => `${Math.round(100 * x)} %` }),
      Plot.axisY({ tickSize: 0, label: null }),
      Plot.barX(segments, { x1: "x1", x2: "x2", y: "bar", fill: "colour", title: "title", insetRight: 1 }),
      Plot.text(
        segments.filter(({ x1, x2 }) => x2 - x1 > 0.06),
        { x: ({ x1, x2 }: Segment) => (x1 + x2) / 2, y: "bar", text: "text", fill: "var(--on-bar)" },
      ),
      Plot.ruleX([0.5], { stroke: "var(--ink)", strokeDasharray: "2 3", strokeOpacity: 0.7 }),
    ],
  };
  return html`<figure class="chart wide">
    <figcaption><b>${title}</b> <span class="unit">${unit}</span></figcaption>
    ${renderPlot(options, `${title}. ${summary.join(". ")}`)}
    <ul class="legend">
      ${parts.map(({ name, colour }) => html`<li class="bar" style="--own: ${colour}">${name}</li>`)}
    </ul>
  </figure>`;
}

function segmentsOf(bar: string, counts: readonly number[], parts: BarsChart["parts"]): readonly Segment[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let start = 0;
  return parts.flatMap(({ name, colour }, i) => {
    const share = counts[i]! / total;
    const [x1, x2] = [start, start + share];
    start = x2;
    if (share === 0) return [];
    const text = formatStyled(share, { isShare: true, decimals: 0 });
    return [{ bar, colour, x1, x2, text, title: `${bar}: ${name} ${text} (${counts[i]!})` }];
  });
}

/** Beside the report's style sheet, where a page has such charts. */
export const BARS_STYLE = `
:root { --win: #2f8f86; --tie: #b9bdb6; --loss: #c98152; --none: #e3e4e0; --on-bar: #14181b; }
@media screen and (prefers-color-scheme: dark) {
  :root { --win: #3c9d93; --tie: #6b737b; --loss: #b8754a; --none: #2e343a; --on-bar: #0d1012; }
}
.legend li.bar::before { border-top-width: 10px; }
`;
