import type { CommitIteration } from "../drpo/commit-iteration.js";

/** How a way to a policy commits its iterations. */
export type PolicyCommitter = (schedule: {
  readonly iterations: number;
  /** Of the objective that selects the best checkpoint: mean score - klCoef * KL. */
  readonly klCoef: number;
}) => CommitIteration;
