import type { Random } from "../../math/random.js";
import type { StatePolicy, TokenTree } from "../../testbed/token-tree.js";
import { type Course, rollOut } from "./roll-out.js";

/** Q_hat of the policy of one iteration; [states][actions] */
export type Critic = (of: {
  readonly policy: StatePolicy;
  /** Q^{pi_t}; [states][actions] */
  readonly exact: readonly (readonly number[])[];
  /** From 1. */
  readonly t: number;
}) => readonly (readonly number[])[];

/** Makes no error: what is left of the bound is optimisation and regularisation. */
export const exactCritic: Critic = ({ exact }) => exact;

/**
 * The critic of Algorithm 3 by least squares over a table: from each trajectory of the iteration's part of D_TR draw h ~
 * Uniform{1..H} and reset to s_h; the first action comes from pi_SFT or pi_t with even chances, what follows from pi_t;
 * Q_hat(s, a) is the mean of the scores that were reached from there, and 0 where none was.
 * @param given.trajectories D_TR, drawn from pi_SFT, at least T of them; part t of T is iteration t's
 */
export const sampledCritic = (given: {
  readonly tree: TokenTree;
  readonly reference: StatePolicy;
  readonly trajectories: readonly Course[];
  readonly iterations: number;
  readonly random: Random;
}): Critic => {
  const { tree, reference, trajectories, iterations, random } = given;
  const cut = (part: number): number => Math.floor((part * trajectories.length) / iterations);
  return ({ policy, t }) => {
    const sums = tree.states.map(({ outcomes }) => outcomes.map(() => 0));
    const counts = tree.states.map(({ outcomes }) => outcomes.map(() => 0));
    for (const trajectory of trajectories.slice(cut(t - 1), cut(t))) {
      const start = trajectory.states[random.integer(0, tree.horizon - 1)]!;
      const first = random.bernoulli(0.5) ? reference : policy;
      const { tokens, score } = rollOut({ tree, policy, first, start, random });
      sums[start]![tokens[0]!]! += score;
      counts[start]![tokens[0]!]!++;
    }
    return sums.map((row, state) => row.map((sum, token) => sum / Math.max(1, counts[state]![token]!)));
  };
};
