import type { StatePolicy } from "../../testbed/token-tree.js";

/** eta = 1 / (r_max sqrt T): the root is what makes the bound's terms of optimisation shrink with T. */
export const stepSize = (maxScore: number, iterations: number): number => 1 / (maxScore * Math.sqrt(iterations));

/** The terms of Lemma B.8, in units of the score. */
export interface GapBound {
  /** C_KL / (eta T) + H r_max^2 eta / 2: what mirror descent has not reached yet. */
  readonly optimization: number;
  /** 2 H eps_eval. */
  readonly critic: number;
  /** klCoef C_KL: what staying near pi_SFT costs. */
  readonly regularization: number;
  readonly total: number;
}

/**
 * Lemma B.8 of Chang et al. 2024 (arXiv 2404.08495): V(pi*) - V(uniform mixture of pi_1 .. pi_T) <= C_KL / (eta T) +
 * H r_max^2 eta / 2 + 2 H eps_eval + klCoef C_KL.
 * @param given.coveredKl C_KL, nats: the KL over responses of pi* to pi_SFT
 * @param given.criticError eps_eval: `criticError`, at its largest over t
 */
export const gapBound = (given: {
  readonly horizon: number;
  readonly maxScore: number;
  readonly iterations: number;
  readonly klCoef: number;
  readonly coveredKl: number;
  readonly criticError: number;
}): GapBound => {
  const { horizon, maxScore, iterations, klCoef, coveredKl, criticError } = given;
  const eta = stepSize(maxScore, iterations);
  const optimization = coveredKl / (eta * iterations) + (horizon * maxScore ** 2 * eta) / 2;
  const critic = 2 * horizon * criticError;
  const regularization = klCoef * coveredKl;
  return { optimization, critic, regularization, total: optimization + critic + regularization };
};

/** Lemma B.11: KL(pi_t(. | s) || pi_SFT(. | s)) <= r_max (t - 1) / klCoef at every state, nats. @param t counts from 1 */
export const klBound = ({
  maxScore,
  klCoef,
  t,
}: {
  readonly maxScore: number;
  readonly klCoef: number;
  readonly t: number;
}): number => (maxScore * (t - 1)) / klCoef;

/**
 * eps_eval at one t, exactly: the mean over h of E_{s_h ~ pi*} E_a |Q_hat(s_h, a) - Q^{pi_t}(s_h, a)|, under a ~ pi* or
 * a ~ pi_t, whichever is larger.
 * @param q.estimate Q_hat; [states][actions]
 * @param q.exact Q^{pi_t}; [states][actions]
 * @param of.visits d_h^{pi*}: `stateVisits` of the comparator; [states]
 */
export const criticError = (
  q: { readonly estimate: Values; readonly exact: Values },
  of: {
    readonly comparator: StatePolicy;
    readonly policy: StatePolicy;
    readonly visits: readonly number[];
    readonly horizon: number;
  },
): number => {
  const under = (actor: StatePolicy): number =>
    of.visits.reduce((sum, visit, state) => {
      if (visit === 0) return sum;
      const errors = q.exact[state]!.map((value, token) => Math.abs(q.estimate[state]![token]! - value));
      return sum + visit * errors.reduce((total, error, token) => total + Math.exp(actor[state]![token]!) * error, 0);
    }, 0) / of.horizon;
  return Math.max(under(of.comparator), under(of.policy));
};

type Values = readonly (readonly number[])[];
