import { enumerateResponses, type ExactPolicy, type ExactResponse, type ResponseTree } from "./enumerate-responses.js";

/** J(pi) = E_{y ~ pi} r(y), exactly. @param score r, of a response. */
export const expectedReturn = (
  policy: ExactPolicy,
  tree: ResponseTree,
  score: (response: ExactResponse) => number,
): number => {
  let sum = 0;
  for (const response of enumerateResponses(policy, tree)) sum += Math.exp(response.logprob) * score(response);
  return sum;
};
