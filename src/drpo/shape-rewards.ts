/**
 * Reward of each generated token: r_t = -klCoef (ln pi_t - ln pi_SFT), and the score of the response at its last token.
 * @returns [tokens]
 */
export function shapeRewards(
  {
    score,
    logprobs,
    referenceLogprobs,
  }: {
    readonly score: number;
    readonly logprobs: readonly number[];
    readonly referenceLogprobs: readonly number[];
  },
  klCoef: number,
): number[] {
  const rewards = logprobs.map((logprob, t) => -klCoef * (logprob - referenceLogprobs[t]!));
  rewards[rewards.length - 1]! += score;
  return rewards;
}
