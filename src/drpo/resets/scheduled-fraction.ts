import { eachByItself, fractionOf, type PrefixSelector } from "./prefix-selector.js";

/**
 * The cut slides from the end of the response to its start, linearly in the iteration: R3 (Xi et al. 2024, arXiv
 * 2402.05808), with a slope instead of its stages.
 * @param start share of the response given at first; `end` from `overShare` of the iterations on
 */
export const scheduledFraction = ({
  start,
  end,
  overShare,
}: {
  readonly start: number;
  readonly end: number;
  readonly overShare: number;
}): PrefixSelector =>
  eachByItself(({ length, iteration, iterations }) => {
    const last = Math.max(overShare * iterations - 1, 1);
    const done = Math.min(iteration / last, 1);
    return fractionOf(length, (1 - done) * start + done * end);
  });
