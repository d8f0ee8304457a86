import type { ScoredRollout } from "./rollout.js";

/**
 * One rollout as the models read it, at the weights that wrote it. Arrays have one number for each credited token: each
 * generated one, and before them those of the prefix where the signal takes them in (`creditedPrefix` of them).
 */
export interface Observation {
  readonly rollout: ScoredRollout;
  readonly creditedPrefix: number;
  readonly oldLogprobs: readonly number[];
  readonly referenceLogprobs: readonly number[];
  /** Critic's value of the state in which each token was chosen; empty without a critic. */
  readonly values: readonly number[];
  /** KL-shaped: the score is in the one that ends the response. */
  readonly rewards: readonly number[];
  /** What each token counts in the policy loss: 0 leaves it out. */
  readonly policyWeights: readonly number[];
}

/** An observation with what the policy learns from it. */
export interface Experience extends Observation {
  readonly advantages: readonly number[];
}

/** An experience with targets for a critic. */
export interface ValuedExperience extends Experience {
  readonly returns: readonly number[];
}
