import type { Metric } from "../../domain/evaluation.js";
import { comparisonRows, modelRows, rewardRow } from "../../report/evaluation-rows.js";
import { formatInterval, formatStyled, type NumberStyle } from "../../report/format-number.js";
import { readEvaluation } from "../../run/read-evaluation.js";
import type { EvaluationRow, Figure } from "../api.js";

const NO_FIGURES = { sft: null, policy: null, comparison: null, reward: null };
const MAIN = /^(Reward score|KL to SFT, k1|Response length|Win rate)/;

export interface ShownEvaluation {
  /** Whose checkpoint was evaluated. */
  readonly iteration: number;
  readonly rows: readonly EvaluationRow[];
}

/**
 * The figures of a run's evaluation, named and rounded as the report does; null before there is one.
 * @throws CorruptStateError if the file is damaged, or of another version
 */
export async function evaluationRows(directory: string): Promise<ShownEvaluation | null> {
  const evaluation = await readEvaluation(directory);
  if (evaluation === null) return null;
  const models = modelRows(evaluation).map(({ label, unit, style, sft, policy }): EvaluationRow => {
    const figures = { sft: figureOf(sft, style), policy: figureOf(policy, style) };
    return { ...NO_FIGURES, label, unit, isMain: MAIN.test(label), ...figures };
  });
  const comparisons = comparisonRows(evaluation).map(({ of, label, unit, style, metric }): EvaluationRow => {
    const figure = figureOf(metric, style);
    const figures = of === "sft" ? { sft: figure } : { comparison: figure };
    return { ...NO_FIGURES, label, unit, isMain: MAIN.test(label), ...figures };
  });
  const rewards = [rewardRow(evaluation) ?? []].flat().map(({ label, unit, style, metric }): EvaluationRow => {
    return { ...NO_FIGURES, label, unit, isMain: false, reward: figureOf(metric, style) };
  });
  return { iteration: evaluation.bestIteration, rows: [...models, ...comparisons, ...rewards] };
}

const figureOf = (metric: Metric | null, style: NumberStyle): Figure | null =>
  metric && { mean: formatStyled(metric.mean, style), interval: formatInterval(metric, style) };
