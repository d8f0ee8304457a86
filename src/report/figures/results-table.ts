import type { Evaluation, Metric } from "../../domain/evaluation.js";
import { meanAndSpread } from "../../math/mean-and-spread.js";
import type { RunGroup } from "../group-runs.js";
import type { ReportedRun } from "../reported-run.js";
import { type ResultMetric, resultMetrics } from "./result-metrics.js";
import { firstOfEachSeed, sharedStarts } from "./shared-starts.js";

/** One number of the results. */
export interface ResultCell {
  /** Over seeds. */
  readonly mean: number;
  /** Standard deviation over seeds; null with one seed. */
  readonly deviation: number | null;
  /** With one seed the interval of its evaluation; null with several, where deviation is. */
  readonly interval: Metric | null;
  /** What was averaged. */
  readonly bySeed: readonly { readonly seed: number; readonly value: number }[];
}

export interface ResultRow {
  readonly label: string;
  readonly kind: "sft" | "group" | "reference";
  /** Index of the group's colour; null for rows that are no group's. */
  readonly colour: number | null;
  /** Seeds with an evaluation. */
  readonly seeds: readonly number[];
  /** One for each metric; null where there is none. */
  readonly cells: readonly (ResultCell | null)[];
}

/** Table 1 of the paper: SFT, each group, and people's own responses. */
export interface ResultsTable {
  readonly metrics: readonly ResultMetric[];
  readonly rows: readonly ResultRow[];
  /** Share of held-out pairs that the scores order as people did, over the runs that start alike; null without. */
  readonly rewardAccuracy: ResultCell | null;
}

export function resultsTable(groups: readonly RunGroup[]): ResultsTable {
  const metrics = resultMetrics(groups.flatMap(({ runs }) => runs));
  const row = (
    { label, kind, colour }: Pick<ResultRow, "label" | "kind" | "colour">,
    runs: readonly ReportedRun[],
    of: (metric: ResultMetric) => (evaluation: Evaluation) => Metric | null,
  ): ResultRow => {
    const cells = metrics.map((metric) => resultCell(runs, of(metric)));
    const seeds = firstOfEachSeed(evaluated(runs)).map(({ seed }) => seed);
    return { label, kind, colour, seeds, cells };
  };
  const starts = sharedStarts(groups);
  const rows = [
    ...starts.map(({ suffix, runs }) =>
      row({ label: `SFT${suffix}`, kind: "sft", colour: null }, runs, (m) => m.ofSft),
    ),
    ...groups.map(({ label, colour, runs }) => row({ label, kind: "group", colour }, runs, ({ ofPolicy }) => ofPolicy)),
    ...starts.map(({ suffix, runs }) =>
      row({ label: `Reference${suffix}`, kind: "reference", colour: null }, runs, (m) => m.ofReference),
    ),
  ];
  return {
    metrics,
    rewardAccuracy: starts.length === 1 ? resultCell(starts[0]!.runs, (evaluation) => evaluation.rewardAccuracy) : null,
    // A row that nobody has a number for says nothing.
    rows: rows.filter(({ kind, cells }) => kind === "group" || cells.some((cell) => cell !== null)),
  };
}

const evaluated = (runs: readonly ReportedRun[]): readonly ReportedRun[] =>
  runs.filter(({ evaluation }) => evaluation !== null);

/**
 * Of each seed, what the first run says that has the number.
 * @returns null if none has it
 */
export function resultCell(
  runs: readonly ReportedRun[],
  of: (evaluation: Evaluation) => Metric | null,
): ResultCell | null {
  const all = evaluated(runs).flatMap(({ seed, evaluation }) => {
    const metric = of(evaluation!);
    return metric === null ? [] : [{ seed, metric }];
  });
  const found = firstOfEachSeed(all);
  if (found.length === 0) return null;
  const bySeed = found.map(({ seed, metric }) => ({ seed, value: metric.mean }));
  if (found.length === 1) {
    return { mean: found[0]!.metric.mean, deviation: null, interval: found[0]!.metric, bySeed };
  }
  const { mean, standardDeviation } = meanAndSpread(bySeed.map(({ value }) => value));
  return { mean, deviation: standardDeviation, interval: null, bySeed };
}
