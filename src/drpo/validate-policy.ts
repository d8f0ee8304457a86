import { klK1 } from "../math/kl.js";
import { mean } from "../math/statistics.js";
import { responseTokens } from "../domain/rollout.js";
import type { WrittenResponse } from "./write-from-prompts.js";

/** Means over responses written from the prompt. `objective` is what the policy is trained for, and selects the best checkpoint. */
export interface Validation extends Readonly<Record<string, number>> {
  readonly score: number;
  readonly kl: number;
  readonly objective: number;
  readonly responseTokens: number;
  readonly distinctShare: number;
}

/** objective = mean score - klCoef * KL(pi || pi_SFT), the regularised return of Algorithm 1. */
export function validatePolicy(responses: readonly WrittenResponse[], klCoef: number): Validation {
  const score = mean(responses.map(({ rollout }) => rollout.score));
  const kl = mean(responses.map(({ logRatios }) => klK1(logRatios)));
  return {
    score,
    kl,
    objective: score - klCoef * kl,
    responseTokens: mean(responses.map(({ rollout }) => rollout.generated.length)),
    distinctShare: new Set(responses.map(({ rollout }) => responseTokens(rollout).join(" "))).size / responses.length,
  };
}
