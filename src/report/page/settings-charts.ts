import { curvesChart, type CurvesChart } from "../curves-chart.js";
import type { MetricAgainstSetting, Scaling } from "../figures/metric-against-setting.js";
import type { ResultCell } from "../figures/results-table.js";
import { html, type Html } from "../html.js";
import { numberCell, scrollable } from "./parts.js";

/** Table 2 and Figure 2 of the paper. */
export const ablationSection = (ablation: readonly MetricAgainstSetting[]): Html =>
  html`<section id="ablation">
    <h2>Reset proportion</h2>
    <p class="note">The share of rollouts that start from a reset: 0 is the same method without resets. ${BARS}</p>
    ${settingTable("Reset proportion", ablation)}
    <div class="charts">${ablationCharts(ablation).map(curvesChart)}</div>
  </section>`;

/** Figure 3 of the paper. */
export const scalingSection = ({ metrics, areSizesKnown }: Scaling): Html =>
  html`<section id="scaling">
    <h2>Size of the base</h2>
    <p class="note">
      ${
        areSizesKnown
          ? "Weights as the names of the bases or of the recipes say."
          : "The names of the bases do not say their sizes: they stand in the order of their names."
      }
      ${BARS}
    </p>
    ${settingTable("Base", metrics)}
    <div class="charts">${scalingCharts({ metrics, areSizesKnown }).map(curvesChart)}</div>
  </section>`;

const BARS = "Bars: standard deviation over seeds, or the 95 % interval of one seed.";

export const ablationCharts = (ablation: readonly MetricAgainstSetting[]): readonly CurvesChart[] =>
  ablation.map((one) => settingChart(one, { xName: "reset proportion" }));

export const scalingCharts = ({ metrics, areSizesKnown }: Scaling): readonly CurvesChart[] =>
  metrics.map((one) => settingChart(one, { xName: areSizesKnown ? "weights" : "base", isLogX: areSizesKnown }));

function settingChart(
  { metric, curves }: MetricAgainstSetting,
  { xName, isLogX = false }: { readonly xName: string; readonly isLogX?: boolean },
): CurvesChart {
  const scale = metric.style.isShare ? 100 : 1;
  return {
    ...{ title: metric.label, unit: metric.style.isShare ? `%, ${metric.unit}` : metric.unit, xName, isLogX },
    xNames: new Map(curves.flatMap(({ points }) => points.map(({ x, name }) => [x, name]))),
    hasLegend: curves.length > 1,
    curves: curves.map(({ label, points }, colour) => ({
      ...{ label: label === "" ? metric.label : label, colour, spread: "bars" },
      points: points.map(({ x, cell: { mean, deviation, interval } }) => ({
        ...{ x, y: scale * mean },
        low: scale * (interval?.low ?? mean - (deviation ?? 0)),
        high: scale * (interval?.high ?? mean + (deviation ?? 0)),
      })),
    })),
  };
}

/** A row for each group, a cell for each metric. */
export function settingRows(metrics: readonly MetricAgainstSetting[]) {
  const points = metrics[0]?.curves.flatMap((curve) => curve.points) ?? [];
  const cellOf = (group: string, { curves }: MetricAgainstSetting): ResultCell | null =>
    curves.flatMap((curve) => curve.points).find((point) => point.group === group)?.cell ?? null;
  return points.map(({ group, name }) => ({ name, group, cells: metrics.map((metric) => cellOf(group, metric)) }));
}

const settingTable = (name: string, metrics: readonly MetricAgainstSetting[]): Html =>
  scrollable(
    name,
    html`<table class="figures">
      <thead>
        <tr>
          <th scope="col">${name}</th>
          <th scope="col">Group</th>
          ${metrics.map(
            ({ metric }) => html`<th scope="col">${metric.label}<span class="quiet">${metric.unit}</span></th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${settingRows(metrics).map(
          (row) =>
            html`<tr>
              <th scope="row">${row.name}</th>
              <td>${row.group}</td>
              ${row.cells.map((cell, i) => numberCell(cell, metrics[i]!.metric.style))}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
