import type { TokenIds } from "../domain/token-ids.js";
import type { ExactPolicy } from "./enumerate-responses.js";
import { responseLogprob } from "./exact-kl.js";
import { greatest } from "../math/extremes.js";

/**
 * The uniform mixture that draws one of some policies for each response, as one policy of the context: each counts by how
 * probable it is to have come there, pi(a | s) = sum_i d_i(s) pi_i(a | s) / sum_i d_i(s). Its value is the mean of theirs.
 * Where none of them comes, it does what the first does.
 */
export const mixturePolicy =
  (policies: readonly ExactPolicy[], prompt: TokenIds): ExactPolicy =>
  (context) => {
    const logprobs = policies.map((policy) => policy(context));
    const reached = policies.map((policy) => responseLogprob(policy, prompt, context.slice(prompt.length)));
    const highest = greatest(reached);
    if (highest === -Infinity) return logprobs[0]!;
    const weights = reached.map((logprob) => Math.exp(logprob - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return logprobs[0]!.map((_, token) =>
      Math.log(weights.reduce((sum, weight, i) => sum + (weight / total) * Math.exp(logprobs[i]![token]!), 0)),
    );
  };
