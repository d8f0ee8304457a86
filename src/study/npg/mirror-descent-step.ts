import { logSoftmax } from "../../testbed/softmax.js";
import type { StatePolicy } from "../../testbed/token-tree.js";

/**
 * The update of Algorithm 3 (Chang et al. 2024, arXiv 2404.08495) at every state, in closed form:
 * argmin_p -<Q(s, .), p> + klCoef KL(p || reference(s)) + (1 / eta) KL(p || policy(s)), which is proportional to
 * reference^{eta klCoef / (eta klCoef + 1)} policy^{1 / (eta klCoef + 1)} exp(eta Q / (eta klCoef + 1)).
 * @param q [states][actions]
 * @returns pi_{t+1}
 */
export const mirrorDescentStep = (
  { policy, reference }: { readonly policy: StatePolicy; readonly reference: StatePolicy },
  q: readonly (readonly number[])[],
  { eta, klCoef }: { readonly eta: number; readonly klCoef: number },
): StatePolicy =>
  policy.map((logprobs, state) =>
    logSoftmax(
      logprobs.map(
        (logprob, token) =>
          (eta * klCoef * reference[state]![token]! + logprob + eta * q[state]![token]!) / (eta * klCoef + 1),
      ),
    ),
  );
