import type uPlot from "uplot";
import type { ChartColours } from "./chart-colours.js";
import type { ChartData } from "./chart-data.js";
import { formatTick } from "./format.js";

const HEIGHT = 168;
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
/** Charts with this key share a cursor. */
const SHARED = "iterations";

/** How a chart looks and what it tells; its width is its place's. */
export function chartOptions({
  data,
  colours,
  isLog,
  range,
  setCursor,
  onRange,
}: {
  readonly data: ChartData;
  readonly colours: ChartColours;
  readonly isLog: boolean;
  readonly range: readonly [number, number] | null;
  /** Told the iteration under the cursor; null: none. */
  readonly setCursor: (iteration: number | null) => void;
  readonly onRange: (range: readonly [number, number] | null) => void;
}): Omit<uPlot.Options, "width"> {
  const axis = {
    ...{ stroke: colours.quiet, font: FONT, gap: 4 },
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
  };
  return {
    ...{ height: HEIGHT, legend: { show: false }, padding: [8, 8, 0, 0] },
    cursor: {
      ...{ sync: { key: SHARED, setSeries: false }, y: false, points: { size: 7 } },
      drag: { x: true, y: false, setScale: false },
    },
    scales: {
      x: { time: false, ...(range ? { range: () => [...range] as [number, number] } : {}) },
      y: isLog ? { distr: 3 } : {},
    },
    axes: [
      { ...axis, size: 22, space: 60 },
      {
        ...axis,
        size: 52,
        space: 34,
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? "" : formatTick(tick))),
      },
    ],
    series: [
      {},
      ...data.series.map(({ colour, isFaint, label }): uPlot.Series => {
        const stroke = colours.series[colour % colours.series.length]!;
        const points = isFaint ? { show: false } : { size: 5, fill: stroke };
        return { label, stroke: isFaint ? `${stroke}55` : stroke, width: isFaint ? 1 : 1.8, points, spanGaps: true };
      }),
    ],
    hooks: {
      setCursor: [
        ({ cursor: { idx, left = -1 }, data: [iterations] }) =>
          setCursor(left < 0 ? null : (iterations[idx ?? -1] ?? null)),
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
          onRange([Math.max(Math.floor(from), 0), Math.ceil(to)]);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}
