import { uniform } from "../../math/noise.js";
import { seedAt } from "../../math/seeds.js";
import { logSoftmax } from "../../testbed/softmax.js";
import { type StatePolicy, tabulate, type TokenTree, tokenTree } from "../../testbed/token-tree.js";
import { greedyPolicy, optimalValues, policyValues } from "../../testbed/tree-values.js";

/** What Algorithm 3 is given, and the policy that it is compared with. */
export interface NpgProblem {
  readonly tree: TokenTree;
  /** Scores lie in [0, maxScore]: r_max. */
  readonly maxScore: number;
  /** pi_SFT. */
  readonly reference: StatePolicy;
  /** pi*: certain of the best token of every state. */
  readonly comparator: StatePolicy;
  /** V(pi*). */
  readonly comparatorValue: number;
  /** V(pi_SFT). */
  readonly referenceValue: number;
}

export interface ProblemSize {
  /** H: every response has so many tokens. */
  readonly horizon: number;
  readonly actions: number;
  readonly maxScore: number;
}

/** A tree with random scores, few of them high, and a random softmax policy on it: logits uniform on [0, 2). */
export const randomProblem = ({ horizon, actions, maxScore }: ProblemSize, seed: number): NpgProblem => {
  const [scoreSeed, policySeed] = [seedAt(seed, "model", 0), seedAt(seed, "model", 1)];
  /** Tokens as digits after a leading one, so that no two contexts have the same number. */
  const numberOf = (tokens: readonly number[]): number => tokens.reduce((code, token) => code * actions + token, 1);
  const tree = tokenTree({
    ...{ context: [actions], maxNewTokens: horizon, eosTokenId: null, actions },
    score: ({ tokens }) => maxScore * uniform(scoreSeed, numberOf(tokens)) ** 3,
  });
  const reference = tabulate(tree, (context) => {
    const tokens = Array.from({ length: actions }, (_, token) => [...context.slice(1), token]);
    return logSoftmax(tokens.map((row) => 2 * uniform(policySeed, numberOf(row))));
  });
  const best = optimalValues(tree);
  return {
    ...{ tree, maxScore, reference },
    comparator: greedyPolicy(best),
    comparatorValue: best.v[0]!,
    referenceValue: policyValues(tree, reference).v[0]!,
  };
};
