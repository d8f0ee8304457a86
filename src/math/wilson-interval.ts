import type { Estimate } from "./bootstrap.js";

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * A share with its 95 % score interval (Wilson 1927, doi 10.2307/2276774): the shares p whose normal approximation does not
 * reject what was seen. It stays within 0 and 1, and has a width where all or none succeed.
 * @param successes a tie may count one half. Numbers that are 0, 1/2 or 1 vary less than those of 0 and 1 with the same
 * mean, so that with ties the interval is wider than it need be, never narrower
 * @param n of nothing the share is unknown: one half, from 0 to 1
 */
export function wilsonInterval(successes: number, n: number): Estimate {
  if (n === 0) return { mean: 0.5, low: 0, high: 1, n };
  const mean = successes / n;
  const centre = (successes + Z ** 2 / 2) / (n + Z ** 2);
  const halfWidth = (Z / (n + Z ** 2)) * Math.sqrt(n * mean * (1 - mean) + Z ** 2 / 4);
  // Rounding must not leave the share outside of its interval.
  return {
    mean,
    low: Math.max(Math.min(centre - halfWidth, mean), 0),
    high: Math.min(Math.max(centre + halfWidth, mean), 1),
    n,
  };
}
