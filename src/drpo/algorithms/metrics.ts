import type { Observation } from "../../domain/experience.js";
import { klK1, klK3 } from "../../math/kl.js";
import { explainedVariance, mean, standardDeviation } from "../../math/statistics.js";
import type { Gradients } from "../../ports/trainer.js";
import type { Minibatch, NamedLoss } from "./minibatch.js";

export type Metrics = Readonly<Record<string, number>>;

type Observed = Observation & { readonly returns?: readonly number[] };

/**
 * What a batch says of the policy that wrote it and of the critic. Scores and KL are those of training rollouts, resets
 * included, and of generated tokens only.
 */
export function batchMetrics(observed: readonly Observed[], endTokenIds: readonly number[]): Metrics {
  const scores = observed.map(({ rollout }) => rollout.score);
  const generated = ({ creditedPrefix }: Observation, values: readonly number[]) => values.slice(creditedPrefix);
  const logRatios = observed.map((one) =>
    generated(
      one,
      one.oldLogprobs.map((logprob, t) => logprob - one.referenceLogprobs[t]!),
    ),
  );
  return {
    score: mean(scores),
    scoreStd: standardDeviation(scores),
    kl: mean(logRatios.map(klK1)),
    klK3: mean(logRatios.map(klK3)),
    entropy: -mean(observed.flatMap((one) => generated(one, one.oldLogprobs))),
    ...criticMetrics(observed),
    prefixTokens: mean(observed.map(({ rollout }) => rollout.reset.prefix.length)),
    resetShare: mean(observed.map(({ rollout }) => (rollout.reset.prefix.length > 0 ? 1 : 0))),
    generatedTokens: observed.reduce((sum, { rollout }) => sum + rollout.generated.length, 0),
    responseTokens: mean(observed.map(({ rollout }) => rollout.reset.prefix.length + rollout.generated.length)),
    endedShare: mean(
      observed.map(({ rollout }) => (rollout.generated.some((token) => endTokenIds.includes(token)) ? 1 : 0)),
    ),
    ...samplerMetrics(observed),
  };
}

function criticMetrics(observed: readonly Observed[]): Metrics {
  const returns = observed.flatMap((one) => one.returns ?? []);
  if (returns.length === 0) return {};
  return {
    explainedVariance: explainedVariance(
      observed.flatMap(({ values }) => values),
      returns,
    ),
  };
}

/** How far sampler and trainer disagree about tokens that the policy drew, and what came of it. */
function samplerMetrics(observed: readonly Observed[]): Metrics {
  const gaps = observed.flatMap(({ rollout, oldLogprobs, creditedPrefix }) =>
    rollout.samplerLogprobs
      .map((logprob, t) => Math.abs(logprob - oldLogprobs[creditedPrefix + t]!))
      .slice(rollout.firstActionByReference ? 1 : 0),
  );
  const weights = observed.flatMap(({ policyWeights, creditedPrefix }) => policyWeights.slice(creditedPrefix));
  return {
    samplerTrainerGap: gaps.length > 0 ? mean(gaps) : 0,
    samplerTrainerGapMax: gaps.reduce((most, gap) => Math.max(most, gap), 0),
    importanceWeight: mean(weights),
  };
}

/** The losses of an optimiser step, and how far it was from the policy that wrote the batch. */
export function stepMetrics(
  losses: readonly NamedLoss[],
  gradients: Gradients,
  { experience, policyWeights }: Minibatch,
): Metrics {
  const sums = losses.map(({ name, scale = 1 }, i) => [name, gradients.losses[i]!.loss / scale] as const);
  const old = experience.flatMap(({ oldLogprobs }) => oldLogprobs);
  const [policyLoss] = losses;
  const outputs = gradients.losses[0]!.outputs;
  // What no term needs the server does not compute: it is 0 there.
  const logRatios = old.flatMap((logprob, i) =>
    policyWeights[i] !== 0 && outputs[i] !== 0 ? [outputs[i]! - logprob] : [],
  );
  const clip = policyLoss?.loss.kind === "clippedSurrogate" ? policyLoss.loss : null;
  const isClipped = (d: number) => clip && (Math.expm1(d) > clip.clipHigh || Math.expm1(d) < -clip.clipLow);
  return {
    ...Object.fromEntries(sums),
    ...(clip ? { clipShare: mean(logRatios.map((d) => (isClipped(d) ? 1 : 0))) } : {}),
    // KL(pi_old || pi) by k3, a token.
    approxKl: logRatios.length > 0 ? klK3(logRatios.map((d) => -d)) / logRatios.length : 0,
  };
}

/** The mean of each metric over the steps of an iteration. */
export const meanOfEach = (steps: readonly Metrics[]): Metrics =>
  Object.fromEntries(
    [...new Set(steps.flatMap((step) => Object.keys(step)))].map((name) => [
      name,
      mean(steps.flatMap((step) => step[name] ?? [])),
    ]),
  );
