import type { StatePolicy, TokenTree } from "./token-tree.js";
import { greatest } from "../math/extremes.js";

/** Values by the tree's states. */
export interface TreeValues {
  /** V(s); [states] */
  readonly v: readonly number[];
  /** Q(s, a): the score of a response that a ends in s, else V of where it leads; [states][actions] */
  readonly q: readonly (readonly number[])[];
}

/** One sweep of Bellman's equation from the last states to the prompt. @param backUp V(s) of Q(s, .) */
const sweep = (tree: TokenTree, backUp: (q: readonly number[], state: number) => number): TreeValues => {
  const v = new Array<number>(tree.states.length);
  const q = new Array<readonly number[]>(tree.states.length);
  for (let state = tree.states.length - 1; state >= 0; state--) {
    const ofState = tree.states[state]!.outcomes.map((outcome) =>
      "next" in outcome ? v[outcome.next]! : outcome.score,
    );
    q[state] = ofState;
    v[state] = backUp(ofState, state);
  }
  return { v, q };
};

/** V^pi(s) = sum_a pi(a | s) Q^pi(s, a); V^pi of the prompt is the expected return. */
export const policyValues = (tree: TokenTree, policy: StatePolicy): TreeValues =>
  sweep(tree, (q, state) => {
    const logprobs = policy[state]!;
    return q.reduce((sum, value, token) => sum + Math.exp(logprobs[token]!) * value, 0);
  });

/** V*(s) = max_a Q*(s, a). */
export const optimalValues = (tree: TokenTree): TreeValues => sweep(tree, (q) => greatest(q));

/**
 * The largest values of E_pi r - klCoef * KL(pi || reference): V*(s) = klCoef ln sum_a reference(a | s) exp(Q*(s, a) /
 * klCoef), with the KL of all tokens from s on.
 * @param klCoef above 0
 */
export const regularisedValues = (tree: TokenTree, reference: StatePolicy, klCoef: number): TreeValues =>
  sweep(tree, (q, state) => {
    const highest = greatest(q);
    const logprobs = reference[state]!;
    const sum = q.reduce((sum, value, token) => sum + Math.exp(logprobs[token]! + (value - highest) / klCoef), 0);
    return highest + klCoef * Math.log(sum);
  });

/** The policy that is certain of the best token of every state, the first of equals. */
export const greedyPolicy = ({ q }: TreeValues): StatePolicy =>
  q.map((ofState) => {
    const best = ofState.indexOf(greatest(ofState));
    return ofState.map((_, token) => (token === best ? 0 : -Infinity));
  });

/** The policy that reaches `regularisedValues`: ln pi*(a | s) = ln reference(a | s) + (Q*(s, a) - V*(s)) / klCoef. */
export const regularisedPolicy = ({ v, q }: TreeValues, reference: StatePolicy, klCoef: number): StatePolicy =>
  q.map((ofState, state) => ofState.map((value, token) => reference[state]![token]! + (value - v[state]!) / klCoef));
