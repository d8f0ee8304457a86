import type { Evaluation, Metric } from "../domain/evaluation.js";
import type { MetricsLine } from "../ports/run-directory.js";

/** Each finite metric of a line under the name that it has everywhere: "policy/score". */
export const namedMetrics = ({ stage, metrics }: MetricsLine): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(metrics)
      .filter(([, value]) => Number.isFinite(value))
      .map(([metric, value]) => [`${stage}/${metric}`, value]),
  );

const isMetric = (value: object): value is Metric => "mean" in value && "low" in value && "high" in value;

/**
 * Means of what an evaluation found, by name: "evaluation/policy/score", "evaluation/winRate/lexicon/sft" of the policy,
 * "evaluation/sft/winRate/lexicon/reference" of SFT.
 */
export function evaluationMetrics({ winRates, ...parts }: Evaluation): Readonly<Record<string, number>> {
  const judged = winRates.map(
    ({ judge, of, against, winRate }) =>
      [`${of === "policy" ? "" : `${of}/`}winRate/${judge}/${against}`, winRate] as const,
  );
  return Object.fromEntries([...Object.entries(parts), ...judged].flatMap(([name, part]) => means(name, part)));
}

function means(name: string, part: unknown): [string, number][] {
  if (typeof part !== "object" || part === null || Array.isArray(part)) return [];
  if (isMetric(part)) return [[`evaluation/${name}`, part.mean]];
  return Object.entries(part).flatMap(([key, inner]) => means(`${name}/${key}`, inner));
}
