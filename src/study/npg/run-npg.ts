import { stateVisits } from "../../testbed/state-visits.js";
import { responseKl, stateKls } from "../../testbed/tree-kl.js";
import { policyValues } from "../../testbed/tree-values.js";
import type { Critic } from "./critics.js";
import { mirrorDescentStep } from "./mirror-descent-step.js";
import { criticError, type GapBound, gapBound, klBound, stepSize } from "./npg-bounds.js";
import type { NpgProblem } from "./npg-problem.js";
import { greatest } from "../../math/extremes.js";

export interface NpgRun {
  /** V(pi*) - V(uniform mixture of pi_1 .. pi_T), exactly. */
  readonly gap: number;
  readonly bound: GapBound;
  /** eps_eval: the largest over t. */
  readonly criticError: number;
  /** The largest KL(pi_t(. | s) || pi_SFT(. | s)) over the states, nats, and Lemma B.11's bound; [T], from t = 1 */
  readonly kls: readonly { readonly kl: number; readonly bound: number }[];
}

/** Algorithm 3 of Chang et al. 2024 (arXiv 2404.08495) on a table: natural policy gradient with dataset resets. */
export const runNpg = (
  { tree, maxScore, reference, comparator, comparatorValue }: NpgProblem,
  { iterations, klCoef, critic }: { readonly iterations: number; readonly klCoef: number; readonly critic: Critic },
): NpgRun => {
  const { horizon } = tree;
  const visits = stateVisits(tree, comparator);
  const eta = stepSize(maxScore, iterations);
  const kls: { kl: number; bound: number }[] = [];
  let [policy, sumOfValues, largestError] = [reference, 0, 0];

  for (let t = 1; t <= iterations; t++) {
    const { v, q: exact } = policyValues(tree, policy);
    const estimate = critic({ policy, exact, t });

    sumOfValues += v[0]!;
    largestError = Math.max(largestError, criticError({ estimate, exact }, { comparator, policy, visits, horizon }));
    kls.push({ kl: greatest(stateKls(policy, reference)), bound: klBound({ maxScore, klCoef, t }) });

    policy = mirrorDescentStep({ policy, reference }, estimate, { eta, klCoef });
  }
  const coveredKl = responseKl(tree, comparator, reference);
  return {
    gap: comparatorValue - sumOfValues / iterations,
    bound: gapBound({ horizon, maxScore, iterations, klCoef, coveredKl, criticError: largestError }),
    criticError: largestError,
    kls,
  };
};
