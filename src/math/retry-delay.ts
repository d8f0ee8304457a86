/**
 * Wait before the next attempt, ms: exponential with half of it jittered, so that clients which failed together do not
 * come back together.
 * @param attempts made so far; at least 1
 * @param policy.baseDelayMs longest wait before the second attempt; doubles from one attempt to the next
 * @param policy.maxDelayMs longest wait
 * @param random in [0, 1)
 */
export function retryDelayMs(
  attempts: number,
  policy: { readonly baseDelayMs: number; readonly maxDelayMs: number },
  random: number,
): number {
  const longest = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1));
  return (longest / 2) * (1 + random);
}
