import type { Evaluation, JudgedModel, Metric, ModelEvaluation, Opponent } from "../domain/evaluation.js";
import type { NumberStyle } from "./format-number.js";

/** A metric of both models, as the terminal and the report name it; null where there is nothing to measure it on. */
export interface ModelRow {
  readonly label: string;
  readonly unit: string;
  readonly style: NumberStyle;
  readonly sft: Metric | null;
  readonly policy: Metric | null;
}

/** A metric of the comparison. */
export interface ComparisonRow {
  /** Whose win rate it is; null for what is no win rate. */
  readonly of: JudgedModel | null;
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
    { name: "distinct1", label: "Distinct words", unit: "share of words", style: SHARE },
    { name: "distinct2", label: "Distinct word pairs", unit: "share of pairs", style: SHARE },
    { name: "rouge1", label: "ROUGE-1", unit: "F1 against references", style: SHARE },
    { name: "rouge2", label: "ROUGE-2", unit: "F1 against references", style: SHARE },
    { name: "rougeL", label: "ROUGE-L", unit: "F1 against references", style: SHARE },
  ];

/** The metrics of SFT and policy that could be measured. */
export const modelRows = (evaluation: Evaluation): readonly ModelRow[] =>
  [{ name: "score", label: "Reward score", unit: scoreUnit(evaluation), style: SCORE } as const, ...KL_AND_TEXT]
    .map(({ name, ...row }) => ({ ...row, sft: evaluation.sft[name], policy: evaluation.policy[name] }))
    .filter(({ sft, policy }) => sft !== null || policy !== null);

/** Policy against SFT and references, SFT against references. */
export function comparisonRows(evaluation: Evaluation): readonly ComparisonRow[] {
  const { difference, winRates } = evaluation;
  const judges = judgeNames(evaluation);
  const numberOf = (judge: string): string => (judges.length > 1 ? ` [${judges.indexOf(judge) + 1}]` : "");
  const wins = winRates
    .filter(({ winRate }) => winRate.n > 0)
    .map(({ judge, of, against, winRate }) => ({
      of,
      label: `${of === "sft" ? "SFT's win" : "Win"} rate against ${opponentName(against)}${numberOf(judge)}`,
      ...{ unit: judge, style: SHARE, metric: winRate, noChange: 0.5 },
    }));
  return [
    {
      ...{ of: null, label: "Score difference", unit: scoreUnit(evaluation) },
      ...{ style: { ...SCORE, signed: true }, metric: difference.score, noChange: 0 },
    },
    ...wins,
  ];
}

/** How often the reward orders held-out pairs as people did: of the reward, not of a policy. Null where nobody ranked any. */
export const rewardRow = ({ rewardAccuracy }: Evaluation): ComparisonRow | null =>
  rewardAccuracy && {
    of: null,
    label: "Reward accuracy",
    unit: "held-out pairs",
    style: SHARE,
    metric: rewardAccuracy,
    noChange: 0.5,
  };

/** As a sentence names whom a model is compared with. */
const opponentName = (against: Opponent): string => ({ sft: "SFT", reference: "reference" })[against] ?? against;

/** What the interval says: it lies above or below no change, or holds it. */
export function effectOf({ metric, noChange }: ComparisonRow): "above" | "below" | "around" {
  if (metric.low > noChange) return "above";
  return metric.high < noChange ? "below" : "around";
}

/** Whom was asked, once each, in the order of asking. */
const judgeNames = ({ winRates }: Evaluation): readonly string[] => [...new Set(winRates.map(({ judge }) => judge))];

/** Who said so, for a note under the figures; several have numbers, which the rows repeat. */
export function judgesNote(evaluation: Evaluation): string {
  const names = judgeNames(evaluation);
  if (names.length === 0) return "Nobody judged.";
  const judges =
    names.length === 1 ? `Judge: ${names[0]}` : `Judges: ${names.map((name, i) => `[${i + 1}] ${name}`).join(", ")}`;
  return `${judges}. A tie counts one half.`;
}
