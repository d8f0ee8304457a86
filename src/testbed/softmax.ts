/** Natural log-probabilities of softmax(logits / temperature). */
export const logSoftmax = (logits: readonly number[], temperature = 1): number[] => {
  const scaled = logits.map((logit) => logit / temperature);
  const highest = Math.max(...scaled);
  const logNormaliser = highest + Math.log(scaled.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  return scaled.map((logit) => logit - logNormaliser);
};

/** Entropy, nats, of a distribution given by its log-probabilities. */
export const entropy = (logprobs: readonly number[]): number =>
  -logprobs.reduce((sum, logprob) => sum + (logprob === -Infinity ? 0 : Math.exp(logprob) * logprob), 0);
