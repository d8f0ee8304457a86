import uPlot from "uplot";
import type { Curve } from "../api.js";
import { formatNumber } from "./format.js";

/** A curve of one run in a chart. */
export interface ChartCurve {
  /** Shown in a legend: a run. */
  readonly label: string;
  /** Place among the colours. */
  readonly colour: number;
  readonly curve: Curve;
}

/** What uPlot draws: for each curve the values, and the smoothed ones where they are asked for. */
export interface ChartData {
  readonly table: uPlot.AlignedData;
  readonly series: readonly { readonly colour: number; readonly isFaint: boolean; readonly label: string }[];
  /** False where values at or below zero have no place on a logarithmic axis. */
  readonly canBeLog: boolean;
}

export function chartData(curves: readonly ChartCurve[]): ChartData {
  const tables = curves.map(({ curve }): uPlot.AlignedData => [
    [...curve.x],
    [...curve.y],
    ...(curve.smooth ? [[...curve.smooth]] : []),
  ]);
  return {
    table: tables.length === 1 ? tables[0]! : uPlot.join(tables),
    series: curves.flatMap(({ curve, colour, label }) =>
      curve.smooth
        ? [
            { colour, label, isFaint: true },
            { colour, label, isFaint: false },
          ]
        : [{ colour, label, isFaint: false }],
    ),
    canBeLog: curves.every(({ curve }) => curve.least > 0),
  };
}

/** The value of the curve at the last iteration at or before this one. */
export function valueAt({ x, y, smooth }: Curve, iteration: number): number | null {
  const place = x.findLastIndex((one) => one <= iteration);
  return (smooth ?? y)[place] ?? null;
}

/** What a chart shows, in words. */
export function summaryOf(curves: readonly ChartCurve[]): string {
  const sentences = curves.map(({ label, curve: { x, y, count, least, greatest } }) => {
    const [from, to] = [`${formatNumber(y[0])} at iteration ${x[0]}`, `${formatNumber(y.at(-1))} at ${x.at(-1)}`];
    const range = `least ${formatNumber(least)}, greatest ${formatNumber(greatest)}`;
    return `${curves.length > 1 ? `${label}: ` : ""}${count} points, from ${from} to ${to}; ${range}.`;
  });
  return sentences.join(" ");
}
