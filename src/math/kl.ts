/** Estimators of KL(p || q) from log-ratios ln p - ln q at tokens drawn from p (Schulman 2020). Nats. */

/** k1 = sum of d: unbiased, can be negative. */
export const klK1 = (logRatios: readonly number[]): number => logRatios.reduce((sum, d) => sum + d, 0);

/** k2 = sum of d^2 / 2: never negative; biased, but its gradient is that of the KL in expectation over p. */
export const klK2 = (logRatios: readonly number[]): number => logRatios.reduce((sum, d) => sum + d ** 2 / 2, 0);

/** k3 = sum of exp(-d) - 1 + d: unbiased, never negative, varies less when p and q are close. */
export const klK3 = (logRatios: readonly number[]): number => logRatios.reduce((sum, d) => sum + Math.expm1(-d) + d, 0);
