import type { Experience, ValuedExperience } from "../../domain/experience.js";
import type { PolicyModels } from "./algorithm.js";
import type { Minibatch, NamedLoss } from "./minibatch.js";

/** The models of a minibatch, and the temperature that its rollouts were sampled at. */
export type LossModels = PolicyModels & { readonly temperature: number };

/** The clipped surrogate of PPO (Schulman et al. 2017, arXiv 1707.06347, eq. 7), over what a minibatch weighs. */
export const clippedSurrogate = (
  { experience, policyWeights }: Minibatch,
  { policy, temperature }: LossModels,
  clipRange: number,
): NamedLoss => ({
  name: "policyLoss",
  model: policy,
  temperature,
  loss: {
    kind: "clippedSurrogate",
    oldLogprobs: experience.flatMap((one) => one.oldLogprobs),
    advantages: experience.flatMap((one) => one.advantages),
    weights: policyWeights,
    clipLow: clipRange,
    clipHigh: clipRange,
  },
});

/** The policy gradient as a loss: - sum weight * A * ln pi (Williams 1992). */
export const policyGradientLoss = (
  { experience, policyWeights }: Minibatch,
  { policy, temperature }: LossModels,
): NamedLoss => ({
  name: "policyLoss",
  model: policy,
  temperature,
  loss: {
    kind: "linear",
    output: "logprobs",
    coefficients: experience.flatMap((one) => one.advantages).map((advantage, i) => -advantage * policyWeights[i]!),
  },
});

/** valueCoef times half the squared error of the values, clipped around the old ones. */
export const clippedValue = (
  { experience, tokenWeights }: Minibatch<ValuedExperience>,
  { critic }: LossModels,
  { valueCoef, valueClipRange }: { readonly valueCoef: number; readonly valueClipRange: number },
): NamedLoss => ({
  name: "valueLoss",
  scale: valueCoef,
  model: critic!,
  loss: {
    kind: "clippedValue",
    oldValues: experience.flatMap((one) => one.values),
    returns: experience.flatMap((one) => one.returns),
    weights: tokenWeights.map((weight) => weight * valueCoef),
    clipRange: valueClipRange,
  },
});

/** The return of a whole rollout, KL-shaped where the KL is a penalty: the sum of its rewards. */
export const totalRewards = (observed: readonly { readonly rewards: readonly number[] }[]): number[] =>
  observed.map(({ rewards }) => rewards.reduce((sum, reward) => sum + reward, 0));

/** One advantage for every token of each rollout. */
export const everyToken = <O extends { readonly rewards: readonly number[] }>(
  observed: readonly O[],
  advantages: readonly number[],
): (O & Pick<Experience, "advantages">)[] =>
  observed.map((one, i) => ({ ...one, advantages: one.rewards.map(() => advantages[i]!) }));
