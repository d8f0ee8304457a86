import type { Experience } from "../../domain/experience.js";
import { klK1, klK3 } from "../../math/kl.js";
import { explainedVariance, mean, standardDeviation } from "../../math/statistics.js";
import type { Gradients } from "../../ports/trainer.js";

export type Metrics = Readonly<Record<string, number>>;

/** What a batch says of the policy that wrote it and of the critic. Scores are those of training rollouts, resets included. */
export function batchMetrics(experience: readonly Experience[]): Metrics {
  const scores = experience.map(({ rollout }) => rollout.score);
  const logRatios = experience.map((one) => one.oldLogprobs.map((logprob, t) => logprob - one.referenceLogprobs[t]!));
  const gaps = experience.flatMap(({ rollout, oldLogprobs }) =>
    rollout.samplerLogprobs.map((logprob, t) => Math.abs(logprob - oldLogprobs[t]!)),
  );
  return {
    score: mean(scores),
    scoreStd: standardDeviation(scores),
    kl: mean(logRatios.map(klK1)),
    klK3: mean(logRatios.map(klK3)),
    entropy: -mean(experience.flatMap(({ oldLogprobs }) => oldLogprobs)),
    explainedVariance: explainedVariance(
      experience.flatMap(({ values }) => values),
      experience.flatMap(({ returns }) => returns),
    ),
    prefixTokens: mean(experience.map(({ rollout }) => rollout.reset.prefix.length)),
    responseTokens: mean(experience.map(({ rollout }) => rollout.reset.prefix.length + rollout.generated.length)),
    endedShare: mean(experience.map(({ rollout }) => (rollout.finishReason === "stop" ? 1 : 0))),
    samplerTrainerGap: mean(gaps),
  };
}

/** How far an optimiser step was from the policy that wrote the batch. */
export function stepMetrics(
  { losses: [policyLoss, valueLoss] }: Gradients,
  oldLogprobs: readonly number[],
  { clipRange, valueCoef }: { readonly clipRange: number; readonly valueCoef: number },
): Metrics {
  const logRatios = policyLoss!.outputs.map((logprob, i) => logprob - oldLogprobs[i]!);
  return {
    policyLoss: policyLoss!.loss,
    valueLoss: valueLoss!.loss / valueCoef,
    clipShare: mean(logRatios.map((d) => (Math.abs(Math.expm1(d)) > clipRange ? 1 : 0))),
    // KL(pi_old || pi) by k3, a token.
    approxKl: klK3(logRatios.map((d) => -d)) / logRatios.length,
  };
}

/** The mean of each metric over the steps of an iteration. */
export const meanOfEach = (steps: readonly Metrics[]): Metrics =>
  Object.fromEntries(Object.keys(steps[0]!).map((name) => [name, mean(steps.map((step) => step[name]!))]));
