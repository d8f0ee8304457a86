import type { ExactPolicy, ExactResponse, ResponseTree } from "./enumerate-responses.js";
import { expectedReturn } from "./expected-return.js";

/**
 * The largest value of E_pi r - klCoef * KL(pi || reference): klCoef * ln E_reference exp(r / klCoef), reached by
 * pi(y) proportional to reference(y) exp(r(y) / klCoef). No policy can do better.
 */
export const optimalObjective = (
  reference: ExactPolicy,
  tree: ResponseTree,
  score: (response: ExactResponse) => number,
  klCoef: number,
): number => klCoef * Math.log(expectedReturn(reference, tree, (response) => Math.exp(score(response) / klCoef)));
