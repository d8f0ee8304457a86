import type { Loss, Output } from "../ports/trainer.js";

/** A loss and its derivative by each number that it was computed from (logp, v or s). */
export interface LossAndGradients {
  readonly loss: number;
  readonly gradients: readonly number[];
}

type LossOf<Kind extends Loss["kind"]> = Extract<Loss, { kind: Kind }>;

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
      k3: [Math.exp(-d) - 1 + d, 1 - Math.exp(-d)] as const,
    }[loss.estimator];
    return [at(loss.weights, i) * term, at(loss.weights, i) * slope];
  });

interface Comparison {
  readonly preferred: number;
  readonly rejected: number;
  readonly weight: number;
}

/** - sum weight * ln sigmoid(s+ - s-) (Bradley and Terry 1952). */
const compare = (comparisons: readonly Comparison[], scores: readonly number[]): LossAndGradients => {
  const gradients = scores.map(() => 0);
  let loss = 0;
  for (const { preferred, rejected, weight } of comparisons) {
    const margin = at(scores, preferred) - at(scores, rejected);
    loss += weight * (Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin))));
    const slope = weight / (1 + Math.exp(margin));
    gradients[preferred] = at(gradients, preferred) - slope;
    gradients[rejected] = at(gradients, rejected) + slope;
  }
  return { loss, gradients };
};

const pairs = (loss: LossOf<"bradleyTerry">): Comparison[] =>
  loss.preferredRows.map((preferred, i) => ({
    preferred,
    rejected: at(loss.rejectedRows, i),
    weight: at(loss.weights, i),
  }));

/** Every two rows of a group whose ratings differ. */
const rankedPairs = ({ groupSizes, ratings, weights }: LossOf<"rankedGroup">): Comparison[] => {
  let start = 0;
  return groupSizes.flatMap((size, group) => {
    const rows = Array.from({ length: size }, (_, i) => start + i);
    start += size;
    return rows.flatMap((preferred) =>
      rows
        .filter((rejected) => at(ratings, preferred) > at(ratings, rejected))
        .map((rejected) => ({ preferred, rejected, weight: at(weights, group) })),
    );
  });
};

/** The losses of proto/drpo/v1/trainer_service.proto. @param x what the loss is about, in its layout. */
export const evaluateLoss = (loss: Loss, x: readonly number[]): LossAndGradients => {
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
      return compare(pairs(loss), x);
    case "rankedGroup":
      return compare(rankedPairs(loss), x);
  }
};

/** Which output of a model a loss is computed from. */
export const lossOutput = (loss: Loss): Exclude<Output, "entropy"> => {
  switch (loss.kind) {
    case "crossEntropy":
    case "clippedSurrogate":
    case "kl":
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
