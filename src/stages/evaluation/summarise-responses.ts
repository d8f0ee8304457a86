import type { EvaluatedResponse, Metric, ModelEvaluation, Rouge } from "../../domain/evaluation.js";
import { bootstrapMean, type BootstrapOptions } from "../../math/bootstrap.js";
import { distinctNgrams } from "../../math/distinct-ngrams.js";

/** A model's figures, from its responses. */
export function summariseResponses(
  responses: readonly EvaluatedResponse[],
  options: BootstrapOptions,
): ModelEvaluation {
  const texts = responses.map(({ response }) => response);
  const copies = new Map<string, number>();
  for (const text of texts) copies.set(text, (copies.get(text) ?? 0) + 1);
  const meanOf = (value: (response: EvaluatedResponse) => number): Metric =>
    bootstrapMean(responses.map(value), options);
  const compared = responses.flatMap(({ rouge }) => (rouge ? [rouge] : []));
  const meanRouge = (name: keyof Rouge): Metric | null =>
    compared.length === 0
      ? null
      : bootstrapMean(
          compared.map((one) => one[name]),
          options,
        );
  return {
    score: meanOf(({ score }) => score),
    klK1: meanOf(({ klK1 }) => klK1),
    klK3: meanOf(({ klK3 }) => klK3),
    responseTokens: meanOf((response) => response.responseTokens),
    endedShare: meanOf(({ ended }) => (ended ? 1 : 0)),
    // The mean of 1 / copies is the number of distinct responses over responses, and resampling does not add copies.
    distinctShare: meanOf(({ response }) => 1 / copies.get(response)!),
    distinct1: distinctNgrams(texts, 1, options),
    distinct2: distinctNgrams(texts, 2, options),
    ...{ rouge1: meanRouge("rouge1"), rouge2: meanRouge("rouge2"), rougeL: meanRouge("rougeL") },
  };
}
