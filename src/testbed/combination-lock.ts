import type { TokenIds } from "../domain/token-ids.js";
import { Random } from "../math/random.js";
import type { TreeRule } from "./token-tree.js";

export interface CombinationLock extends TreeRule {
  /** The one response with score 1; all others have 0. */
  readonly path: TokenIds;
  /** V* of the prompt. */
  readonly optimalValue: 1;
}

/**
 * The hardest exploration problem of its size: one token is right at each step, and only the response of right tokens
 * alone scores. A policy that knows nothing finds it with probability actions^-H; one that is reset to its last step,
 * with 1 / actions. Off the path all states of a step are one: nothing can be won there any more.
 * @param lock.horizon H, tokens of every response
 * @param lock.actions tokens to choose from, 0 to actions - 1; the prompt is the token after them, which cannot be written
 * @param lock.seed of the right tokens
 */
export const combinationLock = ({
  horizon,
  actions,
  seed,
}: {
  readonly horizon: number;
  readonly actions: number;
  readonly seed: bigint;
}): CombinationLock => {
  const random = new Random(seed);
  const path = Array.from({ length: horizon }, () => random.integer(0, actions - 1));
  const isOnPath = (tokens: TokenIds): boolean => tokens.every((token, i) => token === path[i]);
  return {
    ...{ context: [actions], maxNewTokens: horizon, eosTokenId: null, actions, path, optimalValue: 1 },
    score: ({ tokens }) => (isOnPath(tokens) ? 1 : 0),
    state: (context) => (isOnPath(context.slice(1)) ? context : context.map(() => actions)),
  };
};
