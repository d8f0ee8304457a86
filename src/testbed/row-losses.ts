import type { LossAndGradients, LossOf } from "./loss-and-gradients.js";

/** Two rows by number, and what the difference of their u is worth: the score of a row, or its summed log-ratio. */
interface RowPair {
  readonly one: number;
  readonly other: number;
  /** The term and its slope by u[one] - u[other]. */
  readonly term: (difference: number) => readonly [loss: number, slope: number];
}

const at = (values: readonly number[], i: number): number => values[i] as number;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const sumPairs = (pairs: readonly RowPair[], u: readonly number[]): LossAndGradients => {
  const gradients = u.map(() => 0);
  let loss = 0;
  for (const { one, other, term } of pairs) {
    const [value, slope] = term(at(u, one) - at(u, other));
    loss += value;
    gradients[one] = at(gradients, one) + slope;
    gradients[other] = at(gradients, other) - slope;
  }
  return { loss, gradients };
};

/** The same over u[row] = sum over the row's span of (logp - base), with d loss / d logp for each span token. */
const sumPairsOfSpans = (
  pairs: readonly RowPair[],
  logprobs: readonly number[],
  base: readonly number[],
  spanLengths: readonly number[],
): LossAndGradients => {
  let start = 0;
  const u = spanLengths.map((length) => {
    const span = Array.from({ length }, (_, i) => at(logprobs, start + i) - at(base, start + i));
    start += length;
    return sum(span);
  });
  const { loss, gradients } = sumPairs(pairs, u);
  return { loss, gradients: spanLengths.flatMap((length, row) => new Array<number>(length).fill(at(gradients, row))) };
};

/** - weight * ln sigmoid(margin) (Bradley and Terry 1952). */
const preference =
  (weight: number) =>
  (margin: number): readonly [loss: number, slope: number] => [
    weight * (Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)))),
    -weight / (1 + Math.exp(margin)),
  ];

export const bradleyTerry = (loss: LossOf<"bradleyTerry">, scores: readonly number[]): LossAndGradients =>
  sumPairs(
    loss.weights.map((weight, i) => ({
      one: at(loss.preferredRows, i),
      other: at(loss.rejectedRows, i),
      term: preference(weight),
    })),
    scores,
  );

/** Every two rows of a group whose ratings differ. */
export const rankedGroup = (
  { groupSizes, ratings, weights }: LossOf<"rankedGroup">,
  scores: readonly number[],
): LossAndGradients => {
  let start = 0;
  const pairs = groupSizes.flatMap((size, group) => {
    const rows = Array.from({ length: size }, (_, i) => start + i);
    start += size;
    return rows.flatMap((one) =>
      rows
        .filter((other) => at(ratings, one) > at(ratings, other))
        .map((other) => ({ one, other, term: preference(at(weights, group)) })),
    );
  });
  return sumPairs(pairs, scores);
};

/** Rafailov et al. 2023, arXiv 2305.18290, eq. 7; with labelSmoothing, Mitchell's conservative DPO (2023). */
export const dpo = (
  loss: LossOf<"dpo">,
  logprobs: readonly number[],
  spanLengths: readonly number[],
): LossAndGradients => {
  const pairs = loss.weights.map((weight, i) => ({
    one: at(loss.preferredRows, i),
    other: at(loss.rejectedRows, i),
    term: (difference: number) => {
      const [right, slopeOfRight] = preference(weight * (1 - loss.labelSmoothing))(loss.beta * difference);
      const [wrong, slopeOfWrong] = preference(weight * loss.labelSmoothing)(-loss.beta * difference);
      return [right + wrong, loss.beta * (slopeOfRight - slopeOfWrong)] as const;
    },
  }));
  return sumPairsOfSpans(pairs, logprobs, loss.referenceLogprobs, spanLengths);
};

/** REBEL, Gao et al. 2024, arXiv 2404.16767, Algorithm 1. */
export const logRatioDifference = (
  loss: LossOf<"logRatioDifference">,
  logprobs: readonly number[],
  spanLengths: readonly number[],
): LossAndGradients => {
  const pairs = loss.weights.map((weight, i) => ({
    one: at(loss.firstRows, i),
    other: at(loss.secondRows, i),
    term: (difference: number) => {
      const error = difference - at(loss.targets, i);
      return [(weight * error ** 2) / 2, weight * error] as const;
    },
  }));
  return sumPairsOfSpans(pairs, logprobs, loss.baseLogprobs, spanLengths);
};
