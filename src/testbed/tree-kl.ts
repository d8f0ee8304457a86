import { stateVisits } from "./state-visits.js";
import type { StatePolicy, TokenTree } from "./token-tree.js";

/** KL(p || q) of two distributions given by their log-probs, nats. A token that p never writes adds nothing. */
const distributionKl = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, logprob, token) => sum + (logprob === -Infinity ? 0 : Math.exp(logprob) * (logprob - q[token]!)), 0);

/** KL(pi(. | s) || reference(. | s)), nats; [states] */
export const stateKls = (policy: StatePolicy, reference: StatePolicy): number[] =>
  policy.map((logprobs, state) => distributionKl(logprobs, reference[state]!));

/** KL over whole responses by the chain rule: sum over h of E_{s_h ~ d_h^pi} KL(pi(. | s_h) || reference(. | s_h)), nats. */
export const responseKl = (tree: TokenTree, policy: StatePolicy, reference: StatePolicy): number => {
  const visits = stateVisits(tree, policy);
  const kls = stateKls(policy, reference);
  // A state that is never visited adds nothing, even where its KL is infinite.
  return visits.reduce((sum, visit, state) => sum + (visit === 0 ? 0 : visit * kls[state]!), 0);
};
