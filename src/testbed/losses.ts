import type { Loss, Output } from "../ports/trainer.js";
import type { LossAndGradients, LossOf } from "./loss-and-gradients.js";
import { bradleyTerry, dpo, logRatioDifference, rankedGroup } from "./row-losses.js";

/** A sum of independent terms, one for each x. */
const sumTerms = (x: readonly number[], term: (x: number, i: number) => readonly [loss: number, slope: number]) => {
  const terms = x.map(term);
  return { loss: terms.reduce((sum, [loss]) => sum + loss, 0), gradients: terms.map(([, slope]) => slope) };
};

const at = (values: readonly number[], i: number): number => values[i] as number;

const linear = (coefficients: readonly number[], x: readonly number[]): LossAndGradients =>
  sumTerms(x, (value, i) => [at(coefficients, i) * value, at(coefficients, i)]);

/** PPO, Schulman et al. 2017, arXiv 1707.06347, eq. 7: the slope is zero where the clipped branch is the smaller one. */
const clippedSurrogate = (loss: LossOf<"clippedSurrogate">, logprobs: readonly number[]): LossAndGradients =>
  sumTerms(logprobs, (logprob, i) => {
    const [advantage, weight] = [at(loss.advantages, i), at(loss.weights, i)];
    const ratio = Math.exp(logprob - at(loss.oldLogprobs, i));
    const free = ratio * advantage;
    const clipped = Math.min(Math.max(ratio, 1 - loss.clipLow), 1 + loss.clipHigh) * advantage;
    return free <= clipped ? [-weight * free, -weight * free] : [-weight * clipped, 0];
  });

const clippedValue = (loss: LossOf<"clippedValue">, values: readonly number[]): LossAndGradients =>
  sumTerms(values, (value, i) => {
    const [old, target, weight] = [at(loss.oldValues, i), at(loss.returns, i), at(loss.weights, i)];
    const range = loss.clipRange === 0 ? Infinity : loss.clipRange;
    const clipped = Math.min(Math.max(value, old - range), old + range);
    const [free, held] = [(value - target) ** 2, (clipped - target) ** 2];
    return free >= held ? [(weight * free) / 2, weight * (value - target)] : [(weight * held) / 2, 0];
  });

const squaredError = (loss: LossOf<"squaredError">, x: readonly number[]): LossAndGradients =>
  sumTerms(x, (value, i) => {
    const error = value - at(loss.targets, i);
    return [(at(loss.weights, i) * error ** 2) / 2, at(loss.weights, i) * error];
  });

/** Schulman 2020, "Approximating KL Divergence": k1 = d, k2 = d^2 / 2, k3 = exp(-d) - 1 + d. */
const kl = (loss: LossOf<"kl">, logprobs: readonly number[]): LossAndGradients =>
  sumTerms(logprobs, (logprob, i) => {
    const d = logprob - at(loss.referenceLogprobs, i);
    const [term, slope] = {
      k1: [d, 1] as const,
      k2: [d ** 2 / 2, d] as const,
      k3: [Math.expm1(-d) + d, -Math.expm1(-d)] as const,
    }[loss.estimator];
    return [at(loss.weights, i) * term, at(loss.weights, i) * slope];
  });

/**
 * The losses of proto/drpo/v1/trainer_service.proto.
 * @param x what the loss is about, in its layout
 * @param spanLengths of every row; only losses that compare sums of log-probs read them
 */
export const evaluateLoss = (loss: Loss, x: readonly number[], spanLengths: readonly number[]): LossAndGradients => {
  switch (loss.kind) {
    case "crossEntropy":
      return linear(
        loss.weights.map((weight) => -weight),
        x,
      );
    case "linear":
      return linear(loss.coefficients, x);
    case "clippedSurrogate":
      return clippedSurrogate(loss, x);
    case "clippedValue":
      return clippedValue(loss, x);
    case "squaredError":
      return squaredError(loss, x);
    case "kl":
      return kl(loss, x);
    case "bradleyTerry":
      return bradleyTerry(loss, x);
    case "rankedGroup":
      return rankedGroup(loss, x);
    case "dpo":
      return dpo(loss, x, spanLengths);
    case "logRatioDifference":
      return logRatioDifference(loss, x, spanLengths);
  }
};

/** Which output of a model a loss is computed from. */
export const lossOutput = (loss: Loss): Exclude<Output, "entropy"> => {
  switch (loss.kind) {
    case "crossEntropy":
    case "clippedSurrogate":
    case "kl":
    case "dpo":
    case "logRatioDifference":
      return "logprobs";
    case "clippedValue":
      return "values";
    case "bradleyTerry":
    case "rankedGroup":
      return "scores";
    case "squaredError":
    case "linear":
      return loss.output;
  }
};
