import { greatest } from "../math/extremes.js";
/** Natural log-probabilities of softmax(logits / temperature). */
export const logSoftmax = (logits: readonly number[], temperature = 1): number[] => {
  const highest = greatest(logits);
  const scaled = logits.map((logit) => (logit - highest) / temperature);
  const logNormaliser = Math.log(scaled.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return scaled.map((logit) => logit - logNormaliser);
};

/** Entropy, nats, of a distribution given by its log-probabilities. */
export const entropy = (logprobs: readonly number[]): number =>
  -logprobs.reduce((sum, logprob) => sum + (logprob === -Infinity ? 0 : Math.exp(logprob) * logprob), 0);
