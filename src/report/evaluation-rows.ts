import type { Evaluation, Metric, ModelEvaluation } from "../domain/evaluation.js";
import type { NumberStyle } from "./format-number.js";

/** A metric of both models, as the terminal and the report name it. */
export interface ModelRow {
  readonly label: string;
  readonly unit: string;
  readonly style: NumberStyle;
  readonly sft: Metric;
  readonly policy: Metric;
}

/** A metric of the comparison. */
export interface ComparisonRow {
  readonly label: string;
  readonly unit: string;
  readonly style: NumberStyle;
  readonly metric: Metric;
  /** Where there is no effect: no difference, as many wins as losses, chance. */
  readonly noChange: number;
}

const SHARE: NumberStyle = { isShare: true, decimals: 1 };
const SCORE: NumberStyle = { decimals: 2 };

/** True where scores are as the reward gives them. */
export const isInOwnUnits = ({ scoreScale: { mean, standardDeviation } }: Evaluation): boolean =>
  mean === 0 && standardDeviation === 1;

/** What a score is counted in. */
export const scoreUnit = (evaluation: Evaluation): string =>
  isInOwnUnits(evaluation) ? "units of the reward" : "standard deviations of SFT samples";

const KL_AND_TEXT: readonly (Pick<ModelRow, "label" | "unit" | "style"> & { readonly name: keyof ModelEvaluation })[] =
  [
    { name: "klK1", label: "KL to SFT, k1", unit: "nats a response", style: SCORE },
    { name: "klK3", label: "KL to SFT, k3", unit: "nats a response", style: SCORE },
    { name: "responseTokens", label: "Response length", unit: "tokens", style: { decimals: 1 } },
    { name: "endedShare", label: "Ends by itself", unit: "share of responses", style: SHARE },
    { name: "distinctShare", label: "Distinct responses", unit: "share of responses", style: SHARE },
  ];

/** The metrics that SFT and policy both have. */
export const modelRows = (evaluation: Evaluation): readonly ModelRow[] =>
  [{ name: "score", label: "Reward score", unit: scoreUnit(evaluation), style: SCORE } as const, ...KL_AND_TEXT].map(
    ({ name, ...row }) => ({ ...row, sft: evaluation.sft[name], policy: evaluation.policy[name] }),
  );

/** Policy against SFT, and the reward against people, if they ranked anything that was held out. */
export function comparisonRows(evaluation: Evaluation): readonly ComparisonRow[] {
  const { difference, rewardAccuracy, judge } = evaluation;
  const rows: ComparisonRow[] = [
    {
      ...{ label: "Score difference", unit: scoreUnit(evaluation) },
      ...{ style: { ...SCORE, signed: true }, metric: difference.score, noChange: 0 },
    },
    { label: "Win rate against SFT", unit: judge, style: SHARE, metric: difference.judgeWinRate, noChange: 0.5 },
  ];
  if (rewardAccuracy === null) return rows;
  const accuracy = { label: "Reward accuracy", unit: "held-out pairs", style: SHARE, noChange: 0.5 };
  return [...rows, { ...accuracy, metric: rewardAccuracy }];
}

/** What the interval says: it lies above or below no change, or holds it. */
export function effectOf({ metric, noChange }: ComparisonRow): "above" | "below" | "around" {
  if (metric.low > noChange) return "above";
  return metric.high < noChange ? "below" : "around";
}
