/**
 * Truncated importance weights min(p / q, maxWeight) of tokens drawn from q, here the sampler's engine, for a gradient under
 * p, the trainer's (Ionides 2008, "Truncated Importance Sampling").
 * @param trainerLogprobs ln p; [tokens]
 * @param samplerLogprobs ln q; [tokens]
 * @returns [tokens]
 */
export const truncatedImportanceWeights = (
  trainerLogprobs: readonly number[],
  samplerLogprobs: readonly number[],
  maxWeight: number,
): number[] =>
  trainerLogprobs.map((logprob, token) => Math.min(Math.exp(logprob - samplerLogprobs[token]!), maxWeight));
