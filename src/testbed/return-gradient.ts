import { addGradients } from "./backward.js";
import { enumerateResponses, type ExactPolicy, type ExactResponse, type ResponseTree } from "./enumerate-responses.js";
import type { TableGradients } from "./table.js";

/**
 * d J(pi) / d logits, exactly, by the policy gradient theorem: sum_y pi(y) r(y) sum_t d ln pi(a_t | s_t) / d z, where
 * d ln pi(a | s) / d z_b = 1[a = b] - pi(b | s).
 * @param score r; for the KL-regularised J, give r - klCoef * ln(pi / reference), whose own derivative has mean zero
 */
export const returnGradient = (
  policy: ExactPolicy,
  tree: ResponseTree,
  score: (response: ExactResponse) => number,
): TableGradients => {
  const gradients: TableGradients = new Map();
  for (const response of enumerateResponses(policy, tree)) {
    const weight = Math.exp(response.logprob) * score(response);
    for (const [t, token] of response.tokens.entries()) {
      const context = response.row.slice(0, tree.context.length + t);
      const slopes = policy(context).map((logprob, b) => weight * ((b === token ? 1 : 0) - Math.exp(logprob)));
      addGradients(gradients, context, slopes);
    }
  }
  return gradients;
};
