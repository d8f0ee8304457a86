import type { Random } from "../../math/random.js";
import { drawToken } from "../../testbed/sample-rollout.js";
import type { StatePolicy, TokenTree } from "../../testbed/token-tree.js";

/** A rollout through a tree. */
export interface Course {
  /** The states in which its tokens were drawn, by their place in the tree. */
  readonly states: readonly number[];
  readonly tokens: readonly number[];
  readonly score: number;
}

const WHOLE = { temperature: 1, topP: 1, topK: 0, stopTokenIds: [] } as const;

/** Follows `policy` from `start` to the end of the response. @param from.first draws the first token; left out: the policy */
export const rollOut = (from: {
  readonly tree: TokenTree;
  readonly policy: StatePolicy;
  readonly first?: StatePolicy;
  readonly start: number;
  readonly random: Random;
}): Course => {
  const { tree, policy, first = policy, start, random } = from;
  const [states, tokens]: [number[], number[]] = [[], []];
  for (let state = start; ;) {
    const token = drawToken((tokens.length === 0 ? first : policy)[state]!, WHOLE, random.next());
    states.push(state);
    tokens.push(token);
    const outcome = tree.states[state]!.outcomes[token]!;
    if ("score" in outcome) return { states, tokens, score: outcome.score };
    state = outcome.next;
  }
};
