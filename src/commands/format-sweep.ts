import { formatDuration } from "../loggers/format-duration.js";
import type { MeanAndSpread } from "../math/mean-and-spread.js";
import { formatStyled } from "../report/format-number.js";
import { plainTable } from "../report/plain-table.js";
import type { SweepReading, SweepRunReading } from "../run/read-sweep.js";
import { runFigures } from "../sweep/run-figures.js";
import type { ConfigurationSummary } from "../sweep/summarise-sweep.js";
import type { Colors } from "./command-context.js";

const NOTHING = "\u2013";
const NUMBERS = { decimals: 2 };
/** Columns of a terminal that the table takes beside the names. */
const BESIDE_NAME = 62;
const SHORTEST_NAME = 20;

type Status = SweepRunReading["state"]["status"];
const STATUSES: readonly Status[] = ["running", "done", "failed", "interrupted", "waiting"];

export const statusPaint = ({ green, red, yellow, dim, cyan }: Colors): Readonly<Record<Status, typeof dim>> => ({
  ...{ running: cyan, done: green, failed: red, interrupted: yellow, waiting: dim },
});

const number = (x: number | null): string => (x === null ? NOTHING : formatStyled(x, NUMBERS));

/** A message's first line. */
const firstLine = (message: string | null): string => (message ?? "").split("\n")[0]!;

/** A table of the runs for a terminal, no longer and no wider than it: where there are too many, those of interest. */
export function sweepTable(
  { name, runs }: SweepReading,
  request: { readonly colors: Colors; readonly now: number; readonly columns?: number; readonly rows?: number },
): readonly string[] {
  const { colors, now, columns = Infinity, rows = Infinity } = request;
  const paint = statusPaint(colors);
  const width = Math.max(columns - BESIDE_NAME, SHORTEST_NAME);
  const shown = runs.length + 4 <= rows ? runs : ofInterest(runs).slice(0, Math.max(rows - 4, 1));
  const lines = shown.map((run) => {
    const { progress, score, kl, workedMs } = runFigures(run, now);
    const time = workedMs > 0 ? formatDuration(workedMs) : "";
    return [
      shortened(run.name, width),
      paint[run.state.status](run.state.status),
      progress,
      number(score),
      number(kl),
      time,
    ];
  });
  const head = ["run", "state", "iteration", "score", "KL", "time"].map((word) => colors.dim(word));
  return [
    ...plainTable([head, ...lines], { alignRight: [3, 4] }).split("\n"),
    `${colors.bold(name)}: ${countsOf(runs)}${shown.length < runs.length ? `; ${runs.length - shown.length} not shown` : ""}`,
  ];
}

const ofInterest = (runs: readonly SweepRunReading[]): readonly SweepRunReading[] =>
  [...runs].sort((a, b) => STATUSES_BY_INTEREST.indexOf(a.state.status) - STATUSES_BY_INTEREST.indexOf(b.state.status));
const STATUSES_BY_INTEREST: readonly Status[] = ["running", "failed", "interrupted", "waiting", "done"];

/** The end of a name tells runs apart. */
const shortened = (name: string, width: number): string =>
  name.length <= width ? name : `\u2026${name.slice(name.length - width + 1)}`;

/** "3 done, 1 failed, 2 waiting" */
export function countsOf(runs: readonly SweepRunReading[]): string {
  const counted = STATUSES.map(
    (status) => [runs.filter(({ state }) => state.status === status).length, status] as const,
  );
  return counted
    .filter(([count]) => count > 0)
    .map(([count, status]) => `${count} ${status}`)
    .join(", ");
}

/** "a-seed1: running, iteration 3/50, score 0.41, KL 1.20" */
export function sweepLine(run: SweepRunReading, now: number): string {
  const { progress, score, kl, workedMs } = runFigures(run, now);
  const { status, message } = run.state;
  const parts: string[] = [status];
  if (status === "running" && progress !== "") parts.push(/^\d/.test(progress) ? `iteration ${progress}` : progress);
  if (score !== null) parts.push(`score ${number(score)}`);
  if (kl !== null) parts.push(`KL ${number(kl)}`);
  if (status === "done") parts.push(formatDuration(workedMs));
  return `${run.name}: ${parts.join(", ")}${status === "failed" ? `: ${firstLine(message)}` : ""}`;
}

/** Results by configuration, mean ± standard deviation over seeds. */
export function summaryTable(summaries: readonly ConfigurationSummary[], { bold, dim }: Colors): string {
  const cell = (spread: MeanAndSpread | null, scale = 1): string => {
    if (!spread) return NOTHING;
    const decimals = scale === 1 ? 2 : 1;
    const shown = (x: number) => formatStyled(scale * x, { decimals });
    const { mean, standardDeviation } = spread;
    return standardDeviation === null ? shown(mean) : `${shown(mean)} \u00b1 ${shown(standardDeviation)}`;
  };
  const rows = summaries.map(({ configuration, done, runs, score, kl, winRate }) => [
    ...[configuration, `${done}/${runs}`, cell(score), cell(kl), cell(winRate, 100)],
  ]);
  const head = ["configuration", "done", "score", "KL", "win rate, %"].map((word) => bold(word));
  const footnote =
    "Mean \u00b1 standard deviation over seeds; scores and KL (nats a response) of the best policy, from the prompt.";
  return `${plainTable([head, ...rows], { alignRight: [2, 3, 4] })}\n\n${dim(footnote)}`;
}

/** Why runs failed, whole. */
export function failureLines(
  runs: readonly SweepRunReading[],
  logOf: (run: SweepRunReading) => string,
): readonly string[] {
  return runs
    .filter(({ state }) => state.status === "failed")
    .map((run) => `${run.name}: ${run.state.message ?? "failed"}\n  log: ${logOf(run)}`);
}
