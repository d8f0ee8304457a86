import { mean } from "../../math/statistics.js";
import type { CurvesChart } from "../../report/curves-chart.js";
import { formatNumber } from "../../report/format-number.js";
import type { CriticKind, NpgFigure, NpgOptions } from "./npg-figures.js";
import type { NpgRow } from "./npg-rows.js";
import { greatest } from "../../math/extremes.js";

/** Solid: what was reached. Dashed: what is promised, and pi_SFT. */
export const gapChart = (kind: CriticKind, rows: readonly NpgRow[], { klCoefs }: NpgOptions): CurvesChart => {
  const own = rows.filter(({ critic }) => critic === kind);
  const curve = (klCoef: number | null, of: (row: NpgRow) => number) =>
    own.filter((row) => row.klCoef === (klCoef ?? klCoefs[0])).map((row) => ({ x: row.iterations, y: of(row) }));
  return {
    ...{ title: `Gap to pi*, ${kind} critic`, unit: "score", xName: "T", isLogX: true, isLogY: true },
    curves: [
      ...klCoefs.flatMap((klCoef, colour) => [
        { label: `lambda ${formatNumber(klCoef)}`, colour, points: curve(klCoef, (row) => row.gap) },
        { label: "its bound", colour, isDashed: true, points: curve(klCoef, (row) => row.bound) },
      ]),
      { label: "pi_SFT", colour: 5, isDashed: true, points: curve(null, (row) => row.referenceGap) },
    ],
  };
};

/** The largest KL over the states by t, at the largest T: the mean over the seeds. */
export const klChart = (
  kind: CriticKind,
  runs: readonly NpgFigure[],
  { klCoefs, iterations }: NpgOptions,
): CurvesChart => {
  const longest = greatest(iterations);
  const own = runs.filter((run) => run.critic === kind && run.iterations === longest);
  return {
    ...{ title: `Largest KL to pi_SFT of any state, ${kind} critic, T = ${longest}`, unit: "nats", xName: "t" },
    ...{ isLogX: true, isLogY: true },
    curves: klCoefs.flatMap((klCoef, colour) => {
      const ofCoef = own.filter((run) => run.klCoef === klCoef);
      const points = (of: "kl" | "bound") =>
        ofCoef[0]!.kls.map(({ t }, i) => ({ x: t, y: mean(ofCoef.map((run) => run.kls[i]![of])) }));
      return [
        { label: `lambda ${formatNumber(klCoef)}`, colour, points: points("kl") },
        { label: "its bound", colour, isDashed: true, points: points("bound") },
      ];
    }),
  };
};
