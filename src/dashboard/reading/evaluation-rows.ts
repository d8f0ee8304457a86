import type { Metric } from "../../domain/evaluation.js";
import { comparisonRows, modelRows } from "../../report/evaluation-rows.js";
import { formatInterval, formatStyled, type NumberStyle } from "../../report/format-number.js";
import { readEvaluation } from "../../run/read-evaluation.js";
import type { EvaluationRow, Figure } from "../api.js";

const MAIN = /^(Reward score|KL to SFT, k1|Response length|Win rate)/;

/**
 * The figures of a run's evaluation, named and rounded as the report does; null before there is one.
 * @throws CorruptStateError if the file is damaged, or of another version
 */
export async function evaluationRows(directory: string): Promise<readonly EvaluationRow[] | null> {
  const evaluation = await readEvaluation(directory);
  if (evaluation === null) return null;
  const models = modelRows(evaluation).map(({ label, unit, style, sft, policy }): EvaluationRow => {
    const figures = { sft: figureOf(sft, style), policy: figureOf(policy, style), comparison: null };
    return { label, unit, isMain: MAIN.test(label), ...figures };
  });
  const comparisons = comparisonRows(evaluation).map(({ of, label, unit, style, metric }): EvaluationRow => {
    const figure = figureOf(metric, style);
    const figures = { sft: of === "sft" ? figure : null, policy: null, comparison: of === "sft" ? null : figure };
    return { label, unit, isMain: MAIN.test(label), ...figures };
  });
  return [...models, ...comparisons];
}

const figureOf = (metric: Metric | null, style: NumberStyle): Figure | null =>
  metric && { mean: formatStyled(metric.mean, style), interval: formatInterval(metric, style) };
