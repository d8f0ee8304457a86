import type { Evaluation, JudgedModel, Metric } from "../../domain/evaluation.js";
import { scoreUnit } from "../evaluation-rows.js";
import type { NumberStyle } from "../format-number.js";
import type { ReportedRun } from "../reported-run.js";

interface JudgeAndOpponent {
  readonly judge: string;
  readonly against: string;
}

/** A column of the results: what of an evaluation is shown in it. */
export interface ResultMetric {
  /** "score", "winRate against reference by lexicon" */
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly style: NumberStyle;
  /** Whether groups are tested against each other by it. */
  readonly isTested: boolean;
  /** Whose verdicts a win rate counts; null for what is no win rate. */
  readonly verdicts: JudgeAndOpponent | null;
  readonly ofPolicy: (evaluation: Evaluation) => Metric | null;
  /** Null where SFT has no such number: it is not compared with itself. */
  readonly ofSft: (evaluation: Evaluation) => Metric | null;
  readonly ofReference: (evaluation: Evaluation) => Metric | null;
}

const SHARE: NumberStyle = { isShare: true, decimals: 1 };
const TWO: NumberStyle = { decimals: 2 };
const ONE: NumberStyle = { decimals: 1 };
type ModelMetricName = keyof Evaluation["policy"];
type Column = Pick<ResultMetric, "label" | "unit" | "style"> & { readonly name: ModelMetricName };

const MODEL_METRICS: readonly Column[] = [
  { name: "klK1", label: "KL to SFT", unit: "nats a response", style: TWO },
  { name: "rouge1", label: "ROUGE-1", unit: "F1", style: SHARE },
  { name: "rouge2", label: "ROUGE-2", unit: "F1", style: SHARE },
  { name: "rougeL", label: "ROUGE-L", unit: "F1", style: SHARE },
  { name: "responseTokens", label: "Length", unit: "tokens", style: ONE },
  { name: "endedShare", label: "Ends by itself", unit: "share of responses", style: SHARE },
  { name: "distinct1", label: "Distinct-1", unit: "words", style: SHARE },
  { name: "distinct2", label: "Distinct-2", unit: "pairs of words", style: SHARE },
  { name: "distinctShare", label: "Distinct", unit: "share of responses", style: SHARE },
];

/** The columns that some of the runs have a number for: win rates, the score, and what a model's responses are like. */
export function resultMetrics(runs: readonly ReportedRun[]): readonly ResultMetric[] {
  const evaluations = runs.flatMap(({ evaluation }) => evaluation ?? []);
  if (evaluations.length === 0) return [];
  const columns = [...winRateMetrics(evaluations), scoreMetric(evaluations), ...MODEL_METRICS.map(modelMetric)];
  return columns.filter(({ ofPolicy, ofSft }) => evaluations.some((one) => ofPolicy(one) ?? ofSft(one)));
}

function winRateMetrics(evaluations: readonly Evaluation[]): ResultMetric[] {
  const pairs = evaluations.flatMap(({ winRates }) => winRates.map(({ judge, against }) => ({ judge, against })));
  const distinct = [...new Map(pairs.map((pair) => [winRateName(pair), pair])).entries()];
  return distinct.map(([name, { judge, against }]) => {
    const winRateOf = (model: JudgedModel) => (evaluation: Evaluation) =>
      evaluation.winRates.find((one) => one.judge === judge && one.of === model && one.against === against)?.winRate ??
      null;
    return {
      ...{ name, label: `Win rate against ${opponentName(against)}`, unit: judge, style: SHARE, isTested: true },
      verdicts: { judge, against },
      ...{ ofPolicy: winRateOf("policy"), ofSft: winRateOf("sft"), ofReference: () => null },
    };
  });
}

const winRateName = ({ judge, against }: JudgeAndOpponent): string => `winRate against ${against} by ${judge}`;

/** "SFT", "the reference", or the run that it is. */
export const opponentName = (against: string): string =>
  against === "sft" ? "SFT" : against === "reference" ? "the reference" : against;

function scoreMetric(evaluations: readonly Evaluation[]): ResultMetric {
  const units = [...new Set(evaluations.map(scoreUnit))];
  return {
    ...{ name: "score", label: "Reward score", unit: units.join("; "), style: TWO, isTested: true, verdicts: null },
    ofPolicy: ({ policy }) => policy.score,
    ofSft: ({ sft }) => sft.score,
    ofReference: ({ reference }) => reference?.score ?? null,
  };
}

const modelMetric = ({ name, ...column }: Column): ResultMetric => ({
  ...{ name, ...column, isTested: name === "klK1", verdicts: null },
  ofPolicy: ({ policy }) => policy[name],
  // SFT's KL to itself is no result.
  ofSft: ({ sft }) => (name === "klK1" ? null : sft[name]),
  ofReference: () => null,
});
