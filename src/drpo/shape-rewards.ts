/**
 * Reward of each credited token: r_t = -klCoef (ln pi_t - ln pi_SFT), and the score where the response ends.
 * @param endsAt index of the token that ends the response
 * @returns [tokens]
 */
export function shapeRewards(
  {
    score,
    logprobs,
    referenceLogprobs,
    endsAt,
  }: {
    readonly score: number;
    readonly logprobs: readonly number[];
    readonly referenceLogprobs: readonly number[];
    readonly endsAt: number;
  },
  klCoef: number,
): number[] {
  const rewards = logprobs.map((logprob, t) => -klCoef * (logprob - referenceLogprobs[t]!));
  rewards[endsAt]! += score;
  return rewards;
}
