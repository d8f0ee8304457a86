import type { StatePolicy, TokenTree } from "./token-tree.js";

/**
 * d_h^pi(s): how probable it is that a response is in state s at the state's own step h. Over the states of one step they
 * sum to the probability that the response is not over before it.
 * @returns [states]
 */
export const stateVisits = (tree: TokenTree, policy: StatePolicy): number[] => {
  const visits = tree.states.map(() => 0);
  visits[0] = 1;
  for (const [state, { outcomes }] of tree.states.entries()) {
    for (const [token, outcome] of outcomes.entries()) {
      if ("next" in outcome) visits[outcome.next]! += visits[state]! * Math.exp(policy[state]![token]!);
    }
  }
  return visits;
};
