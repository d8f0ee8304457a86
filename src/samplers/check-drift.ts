import type { ModelVersion } from "../domain/model.js";
import { SamplerDriftError } from "../errors.js";
import type { PublishedWeights } from "../ports/weight-publisher.js";

/**
 * Compares what a sampler and the trainer make of the same rows.
 * @param tolerance of the mean absolute difference, nats a token
 * @throws SamplerDriftError that names both, the version and the largest difference
 */
export function checkDrift(
  sampler: string,
  logprobs: readonly number[],
  { model, probeLogprobs }: PublishedWeights,
  tolerance: number,
): void {
  const differences = probeLogprobs.map((expected, i) => Math.abs(expected - (logprobs[i] ?? NaN)));
  const mean = differences.reduce((sum, one) => sum + one, 0) / differences.length;
  // NaN is no agreement either.
  if (mean <= tolerance) return;
  const largest = differences.reduce((most, one) => Math.max(most, one), 0);
  throw new SamplerDriftError(
    `${sampler} and the trainer disagree about ${model.name} at ${describe(model.version)}: their log-probabilities of the ` +
      `probe's ${differences.length} tokens differ by ${mean.toPrecision(3)} nats on average (largest: ${largest.toPrecision(3)}), and ` +
      `server.probeTolerance is ${tolerance}. Check that both have the same base and type of weights; raise the tolerance only if ` +
      "one of them computes in a narrower type.",
  );
}

const describe = ({ generation, optimizerStep, weightsHash }: ModelVersion): string =>
  `(generation ${generation}, optimiser step ${optimizerStep}, weights ${weightsHash.slice(0, 12)})`;
