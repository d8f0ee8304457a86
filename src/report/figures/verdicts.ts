import type { EvaluationRows, JudgeAgreement, JudgedModel, JudgedRow } from "../../domain/evaluation.js";
import { mean } from "../../math/statistics.js";
import type { RunGroup } from "../group-runs.js";
import type { ReportedRun } from "../reported-run.js";
import { firstOfEachSeed, sharedStarts } from "./shared-starts.js";
import { greatest } from "../../math/extremes.js";

/** What judges said, one judge and opponent each. */
export interface VerdictCounts {
  readonly judge: string;
  readonly against: string;
  /** SFT, where it was judged, and each group. */
  readonly models: readonly ModelVerdicts[];
}

/** Counts over the seeds of a model. */
export interface ModelVerdicts {
  /** "SFT", or the group's. */
  readonly label: string;
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  readonly unjudged: number;
}

/** How far two judges agree, over all runs. */
export interface AgreementSummary {
  readonly judges: readonly [string, string];
  readonly of: JudgedModel;
  readonly against: string;
  /** Means over runs, weighted by rows. */
  readonly share: number;
  /** Mean over the runs that have one; null if none has. */
  readonly kappa: number | null;
  readonly rows: number;
}

/** A row on which judges disagree. */
export interface Disagreement {
  /** "SFT", or the group's label: whose response is judged. */
  readonly label: string;
  readonly seed: number;
  readonly against: string;
  readonly prompt: string;
  readonly own: string;
  /** Null where the opponent's text is not in this run's files: another run's. */
  readonly opponent: string | null;
  readonly verdicts: readonly JudgedRow[];
}

/** A row of the tables: SFT, once for the groups that begin with it, or a group's policy. */
interface ReportedModel {
  readonly label: string;
  readonly of: JudgedModel;
  readonly runs: readonly ReportedRun[];
}

const reportedModels = (groups: readonly RunGroup[]): readonly ReportedModel[] => [
  ...sharedStarts(groups).map(({ suffix, runs }) => ({ label: `SFT${suffix}`, of: "sft" as const, runs })),
  ...groups.map(({ label, runs }) => ({ label, of: "policy" as const, runs })),
];

export function verdictCounts(groups: readonly RunGroup[]): readonly VerdictCounts[] {
  const models = reportedModels(groups);
  const all = groups.flatMap(({ runs }) => runs.flatMap(({ rows }) => rows.verdicts));
  const kinds = new Map(all.map(({ judge, against }) => [JSON.stringify([judge, against]), { judge, against }]));
  return [...kinds.values()].map((kind) => ({
    ...kind,
    models: models.flatMap((model) => countsOf(model, kind) ?? []),
  }));
}

function countsOf(
  { label, of, runs }: ReportedModel,
  { judge, against }: Pick<VerdictCounts, "judge" | "against">,
): ModelVerdicts | null {
  const judged = runs.flatMap(({ seed, rows }) => {
    const lines = rows.verdicts.filter((line) => line.judge === judge && line.of === of && line.against === against);
    return lines.length === 0 ? [] : [{ seed, lines }];
  });
  const lines = firstOfEachSeed(judged).flatMap((one) => one.lines);
  const count = (verdict: JudgedRow["verdict"]) => lines.filter((line) => line.verdict === verdict).length;
  if (lines.length === 0) return null;
  return { label, wins: count("win"), ties: count("tie"), losses: count("loss"), unjudged: count(null) };
}

export function agreements(groups: readonly RunGroup[]): readonly AgreementSummary[] {
  const models = reportedModels(groups);
  const keys = new Map(models.flatMap(agreementsOf).map((one) => [agreementKey(one), one]));
  return [...keys].map(([key, { judges, of, against }]) => {
    const own = models.flatMap((model) =>
      firstOfEachSeed(agreementsOf(model).filter((one) => agreementKey(one) === key)),
    );
    const rows = own.reduce((sum, { share }) => sum + share.n, 0);
    const share = own.reduce((sum, { share: { mean: value, n } }) => sum + value * n, 0) / rows;
    const kappas = own.flatMap(({ kappa }) => kappa ?? []);
    return { judges, of, against, share, kappa: kappas.length === 0 ? null : mean(kappas), rows };
  });
}

/** Of rows that both judged, by seed. */
const agreementsOf = ({ of, runs }: ReportedModel): readonly (JudgeAgreement & { readonly seed: number })[] =>
  runs.flatMap(({ seed, evaluation }) =>
    (evaluation?.agreement ?? []).filter((one) => one.of === of && one.share.n > 0).map((one) => ({ ...one, seed })),
  );

const agreementKey = ({ judges, of, against }: Pick<AgreementSummary, "judges" | "of" | "against">): string =>
  JSON.stringify([judges, of, against]);

const MAX_DISAGREEMENTS = 4;

/**
 * The first rows of the first seed of each model on which judges contradict each other, a few of them: of policies rather
 * than of SFT.
 */
export function disagreements(groups: readonly RunGroup[]): readonly Disagreement[] {
  const models = reportedModels(groups).toSorted((a, b) => Number(a.of === "sft") - Number(b.of === "sft"));
  const found = models.map(disagreementsOf);
  const longest = Math.max(0, greatest(found.map(({ length }) => length)));
  // One of each model in turn.
  const turns = Array.from({ length: longest }, (_, i) => found.flatMap((own) => own[i] ?? []));
  return turns.flat().slice(0, MAX_DISAGREEMENTS);
}

function disagreementsOf({ label, of, runs: [first] }: ReportedModel): readonly Disagreement[] {
  if (first === undefined) return [];
  const { seed, rows } = first;
  const byRow = new Map<string, JudgedRow[]>();
  for (const line of rows.verdicts.filter((one) => one.of === of)) {
    const key = JSON.stringify([line.row, line.against]);
    byRow.set(key, [...(byRow.get(key) ?? []), line]);
  }
  const responses = new Map(rows[of].map((line) => [line.row, line]));
  return [...byRow.values()].filter(contradict).flatMap((verdicts) => {
    const { row, against } = verdicts[0]!;
    const own = responses.get(row);
    if (own === undefined) return [];
    const opponent = opponentText(rows, against, row);
    return [{ label, seed, against, prompt: own.prompt, own: own.response, opponent, verdicts }];
  });
}

/** One judge for either side; a tie contradicts nobody. */
const contradict = (verdicts: readonly JudgedRow[]): boolean =>
  verdicts.some(({ verdict }) => verdict === "win") && verdicts.some(({ verdict }) => verdict === "loss");

function opponentText(rows: EvaluationRows, against: string, row: number): string | null {
  const lines = against === "sft" ? rows.sft : against === "reference" ? rows.reference : [];
  return lines.find((line) => line.row === row)?.response ?? null;
}
