import type { ScoredRollout } from "./rollout.js";

/** One rollout as PPO learns from it. Every array has one number for each generated token; the prefix is in none. */
export interface Experience {
  readonly rollout: ScoredRollout;
  readonly oldLogprobs: readonly number[];
  readonly referenceLogprobs: readonly number[];
  /** Critic's value of the state in which each token was chosen. */
  readonly values: readonly number[];
  /** KL-shaped: the score is in the last one. */
  readonly rewards: readonly number[];
  readonly advantages: readonly number[];
  /** Targets of the critic. */
  readonly returns: readonly number[];
}
