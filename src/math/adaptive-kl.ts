/**
 * The KL coefficient of the next iteration (Ziegler et al. 2019, arXiv 1909.08593, section 2.2):
 * klCoef * (1 + clip(kl / target - 1, -0.2, 0.2) * rollouts / horizon).
 * @param kl mean KL of the iteration's responses to the reference, in nats a response
 * @param target the KL to be held, in the same unit
 * @param horizon rollouts over which the coefficient may change by about a fifth
 * @param rollouts of the iteration
 */
export function adaptKlCoef({
  klCoef,
  kl,
  target,
  horizon,
  rollouts,
}: {
  readonly klCoef: number;
  readonly kl: number;
  readonly target: number;
  readonly horizon: number;
  readonly rollouts: number;
}): number {
  const error = Math.min(Math.max(kl / target - 1, -0.2), 0.2);
  return klCoef * (1 + (error * rollouts) / horizon);
}
