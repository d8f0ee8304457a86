import type { ModelHandle } from "../domain/model.js";
import type { PlacedContinuation, SampleContext, Sampler, SamplingParams } from "../ports/sampler.js";
import type { ExpectedRollouts } from "../testbed/fleet/prepare-iteration.js";
import { createRowCheck, type RowErrors } from "./check-rollouts.js";
import { createSimulatedScoring } from "./simulated-scoring.js";

export interface IterationTimes {
  /** Until the last rollout was there, and until the last one was scored; s on the wall. */
  readonly sampledS: number;
  readonly scoredS: number;
  /** CPU time of this process meanwhile, s. */
  readonly cpuS: number;
  readonly errors: RowErrors;
}

/** Samples and scores an iteration, one after the other or side by side, and measures this process at it. */
export const measureIteration = async (
  sampler: Sampler,
  request: {
    readonly model: ModelHandle;
    readonly contexts: readonly SampleContext[];
    readonly params: SamplingParams;
  },
  {
    overlap,
    expected,
    scoring: { tokensPerSecond, timeScale },
  }: {
    readonly overlap: boolean;
    readonly expected: ExpectedRollouts;
    readonly scoring: { readonly tokensPerSecond: number; readonly timeScale: number };
  },
): Promise<IterationTimes> => {
  const { contexts } = request;
  const check = createRowCheck(contexts);
  const scoring = createSimulatedScoring(tokensPerSecond, timeScale);
  const tokensOf = (part: readonly PlacedContinuation[]) =>
    part.reduce(
      (sum, { contextIndex, continuation }) => sum + contexts[contextIndex]!.tokens.length + continuation.tokens.length,
      0,
    );
  const scored: Promise<void>[] = [];
  let tokens = 0;
  const onSampled = (part: readonly PlacedContinuation[]) => {
    check.onSampled(part);
    tokens += tokensOf(part);
    if (overlap) scored.push(scoring.score(tokensOf(part)));
  };

  const [began, cpuBefore] = [performance.now(), process.cpuUsage()];
  const answer = await sampler.sample(request, { onSampled });
  const sampledS = (performance.now() - began) / 1000;
  if (!overlap) scored.push(scoring.score(tokens));
  await Promise.all(scored);
  const scoredS = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { sampledS, scoredS, cpuS: (user + system) / 1e6, errors: check.errors(answer, expected) };
};
