import type { EvaluationRows, JudgedRow } from "../../domain/evaluation.js";
import { mean } from "../../math/statistics.js";
import type { RunGroup } from "../group-runs.js";
import type { ReportedRun } from "../reported-run.js";

/** What judges said, one judge and opponent each. */
export interface VerdictCounts {
  readonly judge: string;
  readonly against: string;
  readonly groups: readonly GroupVerdicts[];
}

/** Counts over the seeds of a group. */
export interface GroupVerdicts {
  readonly group: string;
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  readonly unjudged: number;
}

/** How far two judges agree, over all runs. */
export interface AgreementSummary {
  readonly judges: readonly [string, string];
  readonly against: string;
  /** Means over runs, weighted by rows. */
  readonly share: number;
  /** Mean over the runs that have one; null if none has. */
  readonly kappa: number | null;
  readonly rows: number;
}

/** A row on which judges disagree. */
export interface Disagreement {
  readonly group: string;
  readonly seed: number;
  readonly against: string;
  readonly prompt: string;
  readonly policy: string;
  /** Null where the opponent's text is not in this run's files: another run's. */
  readonly opponent: string | null;
  readonly verdicts: readonly JudgedRow[];
}

const verdictsOf = ({ rows }: ReportedRun) => rows.verdicts;

export function verdictCounts(groups: readonly RunGroup[]): readonly VerdictCounts[] {
  const all = groups.flatMap(({ runs }) => runs.flatMap(verdictsOf));
  const kinds = new Map(all.map(({ judge, against }) => [JSON.stringify([judge, against]), { judge, against }]));
  return [...kinds.values()].map(({ judge, against }) => ({
    ...{ judge, against },
    groups: groups.flatMap(({ label, runs }) => {
      const own = runs.flatMap(verdictsOf).filter((line) => line.judge === judge && line.against === against);
      const count = (verdict: JudgedRow["verdict"]) => own.filter((line) => line.verdict === verdict).length;
      const counts = { wins: count("policy"), ties: count("tie"), losses: count("opponent"), unjudged: count(null) };
      return own.length === 0 ? [] : [{ group: label, ...counts }];
    }),
  }));
}

export function agreements(groups: readonly RunGroup[]): readonly AgreementSummary[] {
  const all = groups.flatMap(({ runs }) => runs.flatMap(({ evaluation }) => evaluation?.agreement ?? []));
  const keys = [...new Set(all.map(({ judges, against }) => JSON.stringify([judges, against])))];
  return keys.map((key) => {
    const own = all.filter(({ judges, against }) => JSON.stringify([judges, against]) === key);
    const rows = own.reduce((sum, { share }) => sum + share.n, 0);
    const share = own.reduce((sum, { share: { mean: value, n } }) => sum + value * n, 0) / rows;
    const kappas = own.flatMap(({ kappa }) => kappa ?? []);
    const { judges, against } = own[0]!;
    return { judges, against, share, kappa: kappas.length === 0 ? null : mean(kappas), rows };
  });
}

const MAX_DISAGREEMENTS = 4;

/** The first rows of the first seed of each group on which judges contradict each other, a few of them. */
export function disagreements(groups: readonly RunGroup[]): readonly Disagreement[] {
  const found = groups.flatMap(({ label, runs }) => runs.slice(0, 1).map((run) => disagreementsOf(label, run)));
  const longest = Math.max(0, ...found.map(({ length }) => length));
  // One of each group in turn.
  const turns = Array.from({ length: longest }, (_, i) => found.flatMap((own) => own[i] ?? []));
  return turns.flat().slice(0, MAX_DISAGREEMENTS);
}

function disagreementsOf(group: string, { seed, rows }: ReportedRun): readonly Disagreement[] {
  const byRow = new Map<string, JudgedRow[]>();
  for (const line of rows.verdicts) {
    const key = JSON.stringify([line.row, line.against]);
    byRow.set(key, [...(byRow.get(key) ?? []), line]);
  }
  const policies = new Map(rows.policy.map((line) => [line.row, line]));
  return [...byRow.values()].filter(contradict).flatMap((verdicts) => {
    const { row, against } = verdicts[0]!;
    const own = policies.get(row);
    if (own === undefined) return [];
    const opponent = opponentText(rows, against, row);
    return [{ group, seed, against, prompt: own.prompt, policy: own.response, opponent, verdicts }];
  });
}

/** One judge for either side; a tie contradicts nobody. */
const contradict = (verdicts: readonly JudgedRow[]): boolean =>
  verdicts.some(({ verdict }) => verdict === "policy") && verdicts.some(({ verdict }) => verdict === "opponent");

function opponentText(rows: EvaluationRows, against: string, row: number): string | null {
  const lines = against === "sft" ? rows.sft : against === "reference" ? rows.reference : [];
  return lines.find((line) => line.row === row)?.response ?? null;
}
