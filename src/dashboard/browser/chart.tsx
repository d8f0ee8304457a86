import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { type ChartCurve, chartData, summaryOf, valueAt } from "./chart-data.js";
import type { ChartColours } from "./chart-colours.js";
import { chartOptions } from "./chart-options.js";
import { formatNumber } from "./format.js";

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  readonly curves: readonly ChartCurve[];
  readonly colours: ChartColours;
  readonly isLog: boolean;
  /** Iterations from and to; null: all. */
  readonly range: readonly [number, number] | null;
  readonly onRange: (range: readonly [number, number] | null) => void;
}

/** One metric of one or several runs. The cursor is that of all charts; dragging over iterations looks at these. */
export function Chart({ title, unit, curves, colours, isLog, range, onRange }: ChartProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const select = useRef(onRange);
  select.current = onRange;
  const [cursor, setCursor] = useState<number | null>(null);
  const data = useMemo(() => chartData(curves), [curves]);
  const log = isLog && data.canBeLog;
  const shape = JSON.stringify([data.series, log, range, colours]);
  useEffect(() => {
    const options = chartOptions({
      data,
      colours,
      isLog: log,
      range,
      setCursor,
      onRange: (now) => select.current(now),
    });
    const made = new uPlot({ ...options, width: host.current!.clientWidth || 300 }, data.table, host.current!);
    plot.current = made;
    const resized = new ResizeObserver(([entry]) =>
      made.setSize({ width: entry!.contentRect.width, height: made.height }),
    );
    resized.observe(host.current!);
    return () => {
      resized.disconnect();
      made.destroy();
    };
    // The data alone do not make another chart: they are put into the one that is there.
  }, [shape]);
  useEffect(() => plot.current?.setData(data.table), [data]);

  const x = data.table[0];
  const iteration = cursor ?? x.at(-1) ?? 0;
  const values = curves.map(({ curve }) => formatNumber(valueAt(curve, iteration)));
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0 || !plot.current) return;
    event.preventDefault();
    const place = x.findLastIndex((one) => one <= iteration);
    const next = Math.min(Math.max(cursor === null ? place : place + step, 0), x.length - 1);
    plot.current.setCursor({ left: plot.current.valToPos(x[next]!, "x"), top: 0 });
  };
  return (
    <figure class="chart">
      <figcaption>
        <b>{title}</b>
        <span class="values">
          {cursor !== null && <span class="quiet at">at {iteration}</span>}
          {curves.map(({ colour, label }, i) => (
            <span key={label} class={`value series-${colour + 1}`} title={label}>
              {values[i]}
            </span>
          ))}
        </span>
        <span class="unit">{unit}</span>
      </figcaption>
      <p class="hidden">{summaryOf(curves)}</p>
      <div
        class="plot"
        ref={host}
        role="slider"
        tabIndex={0}
        aria-label={`${title}: point by point`}
        aria-valuemin={x[0] ?? 0}
        aria-valuemax={x.at(-1) ?? 0}
        aria-valuenow={iteration}
        aria-valuetext={`Iteration ${iteration}: ${values.join(", ")}`}
        onKeyDown={move}
        onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
      />
      {isLog && !log && <p class="note">Not logarithmic: some values are 0 or below.</p>}
    </figure>
  );
}
