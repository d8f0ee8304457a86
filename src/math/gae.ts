/**
 * Generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438, eq. 16) over one response that ends:
 * delta_t = r_t + gamma V(s_{t+1}) - V(s_t), A_t = delta_t + gamma lambda A_{t+1}, with V = 0 and A = 0 after the last token.
 * @param rewards reward of each generated token; [tokens]
 * @param values critic's value of the state in which each was chosen; [tokens]
 * @returns advantages and returns A_t + V(s_t), the critic's targets; [tokens] each
 */
export function gae(
  rewards: readonly number[],
  values: readonly number[],
  { gamma, gaeLambda }: { readonly gamma: number; readonly gaeLambda: number },
): { advantages: number[]; returns: number[] } {
  const advantages = new Array<number>(rewards.length);
  let nextValue = 0;
  let nextAdvantage = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const value = values[t]!;
    const delta = rewards[t]! + gamma * nextValue - value;
    nextAdvantage = advantages[t] = delta + gamma * gaeLambda * nextAdvantage;
    nextValue = value;
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) };
}
