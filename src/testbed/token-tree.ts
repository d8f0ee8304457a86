import type { TokenIds } from "../domain/token-ids.js";
import type { ExactPolicy, ExactResponse, ResponseTree } from "./enumerate-responses.js";
import { contextKey } from "./table.js";

/** A token-level Markov decision process: which responses there are, and what each is worth. */
export interface TreeRule extends ResponseTree {
  /** Tokens 0 to actions - 1 can be written in every state. */
  readonly actions: number;
  /** r of a finished response. */
  readonly score: (response: Pick<ExactResponse, "tokens" | "row">) => number;
  /**
   * Contexts of one step with equal states have the same future: what follows is worth the same, and the policies asked
   * about do the same. Left out: every context is a state of its own.
   */
  readonly state?: (context: TokenIds) => TokenIds;
}

/** Where a token leads: to another state of the tree, or to the end of the response with its score. */
export type Outcome = { readonly next: number } | { readonly score: number };

export interface TreeState {
  /** The first context found in this state. */
  readonly context: TokenIds;
  /** h: 1 at the prompt, at most the horizon. */
  readonly step: number;
  /** [actions] */
  readonly outcomes: readonly Outcome[];
}

/** Every state of a tree once, by rising step, so that dynamic programming is a loop over it in one of its directions. */
export interface TokenTree {
  /** H, tokens. */
  readonly horizon: number;
  readonly actions: number;
  /** The first is the prompt. */
  readonly states: readonly TreeState[];
  /** Place of a context's state. @throws RangeError if no response leads there */
  indexOf(context: TokenIds): number;
}

/** A policy by the tree's states: natural log-probs; [states][actions]. */
export type StatePolicy = readonly (readonly number[])[];

/** The states of a tree that is small enough to visit whole: actions^H of them, unless the rule merges some. */
export const tokenTree = (rule: TreeRule): TokenTree => {
  const { context: prompt, maxNewTokens: horizon, eosTokenId, actions, score, state = (context) => context } = rule;
  const stepOf = (context: TokenIds): number => context.length - prompt.length + 1;
  const keyOf = (context: TokenIds): string => `${stepOf(context)}: ${contextKey(state(context))}`;
  const indices = new Map([[keyOf(prompt), 0]]);
  const contexts: TokenIds[] = [prompt];

  const outcomeOf = (row: TokenIds): Outcome => {
    if (stepOf(row) > horizon || row.at(-1) === eosTokenId)
      return { score: score({ row, tokens: row.slice(prompt.length) }) };
    const key = keyOf(row);
    const found = indices.get(key);
    if (found !== undefined) return { next: found };
    indices.set(key, contexts.length);
    return { next: contexts.push(row) - 1 };
  };

  const states: TreeState[] = [];
  // Outcomes append to the list that is walked: breadth first, and so by rising step.
  for (const context of contexts) {
    const outcomes = Array.from({ length: actions }, (_, token) => outcomeOf([...context, token]));
    states.push({ context, step: stepOf(context), outcomes });
  }
  return {
    ...{ horizon, actions, states },
    indexOf(context) {
      const index = indices.get(keyOf(context));
      if (index === undefined) throw new RangeError(`no state of the tree has the context [${context.join(", ")}]`);
      return index;
    },
  };
};

/** A policy asked about each state once. */
export const tabulate = (tree: TokenTree, policy: ExactPolicy): StatePolicy =>
  tree.states.map(({ context }) => policy(context).slice(0, tree.actions));
