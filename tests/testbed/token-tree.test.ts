import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { enumerateResponses, type ExactPolicy } from "../../src/testbed/enumerate-responses.js";
import { exactKl, responseLogprob } from "../../src/testbed/exact-kl.js";
import { expectedReturn } from "../../src/testbed/expected-return.js";
import { mixturePolicy } from "../../src/testbed/mixture-policy.js";
import { optimalObjective } from "../../src/testbed/optimal-objective.js";
import { logSoftmax } from "../../src/testbed/softmax.js";
import { stateVisits } from "../../src/testbed/state-visits.js";
import { tabulate, tokenTree, type TreeRule } from "../../src/testbed/token-tree.js";
import { responseKl, stateKls } from "../../src/testbed/tree-kl.js";
import {
  greedyPolicy,
  optimalValues,
  policyValues,
  regularisedPolicy,
  regularisedValues,
} from "../../src/testbed/tree-values.js";

/** A number of a context that looks random. */
const wave = (context: readonly number[], salt: number): number =>
  Math.sin(salt + context.reduce((sum, token, i) => sum + (token + 1) * (i + 1.7) * salt, 0));
const policyOf =
  (salt: number): ExactPolicy =>
  (context) =>
    logSoftmax([0, 1, 2].map((token) => 1.5 * wave([...context, token], salt)));

const RULE: TreeRule = {
  ...{ context: [0], maxNewTokens: 4, eosTokenId: 2, actions: 3 },
  score: ({ row }) => wave(row, 0.37),
};
const FIXED = { ...RULE, eosTokenId: null, maxNewTokens: 3 };
const salts = fc.double({ min: 0.1, max: 3, noNaN: true });

/** What follows a state, by visiting every response. */
const returnFrom = (rule: TreeRule, policy: ExactPolicy, context: readonly number[]): number =>
  expectedReturn(
    policy,
    { ...rule, context, maxNewTokens: rule.maxNewTokens + rule.context.length - context.length },
    ({ row }) => rule.score({ row, tokens: row.slice(rule.context.length) }),
  );

describe.each([
  ["responses that may end early", RULE],
  ["responses of one length", FIXED],
])("%s", (_, rule) => {
  const tree = tokenTree(rule);

  test("the states are the contexts in which a token is chosen", () => {
    const open = rule.eosTokenId === null ? 3 : 2;
    expect(tree.states.length).toBe(
      Array.from({ length: rule.maxNewTokens }, (_, i) => open ** i).reduce((a, b) => a + b),
    );
    for (const [i, { context, step }] of tree.states.entries()) {
      expect(tree.indexOf(context)).toBe(i);
      expect(step).toBe(context.length);
    }
    expect(() => tree.indexOf([1, 1])).toThrow(RangeError);
  });

  test("V and Q of every state are those of enumeration", () => {
    fc.assert(
      fc.property(salts, (salt) => {
        const policy = policyOf(salt);
        const { v, q } = policyValues(tree, tabulate(tree, policy));
        for (const [i, { context, outcomes }] of tree.states.entries()) {
          expect(v[i]).toBeCloseTo(returnFrom(rule, policy, context), 10);
          for (const [token, outcome] of outcomes.entries()) {
            const row = [...context, token];
            const expected = "score" in outcome ? outcome.score : returnFrom(rule, policy, row);
            expect(q[i]![token]).toBeCloseTo(expected, 10);
          }
        }
      }),
      { seed: 1, numRuns: 5 },
    );
  });

  test("the optimal value is the best response's score, and the greedy policy writes it", () => {
    const values = optimalValues(tree);
    const uniform: ExactPolicy = () => logSoftmax([0, 0, 0]);
    const scores = [...enumerateResponses(uniform, rule)].map(rule.score);
    expect(values.v[0]).toBeCloseTo(Math.max(...scores), 12);
    expect(policyValues(tree, greedyPolicy(values)).v).toEqual(values.v);
  });

  test("visits are how probable it is that a response passes", () => {
    const policy = policyOf(1.1);
    const visits = stateVisits(tree, tabulate(tree, policy));
    for (const [i, { context }] of tree.states.entries()) {
      expect(visits[i]).toBeCloseTo(Math.exp(responseLogprob(policy, [0], context.slice(1))), 12);
    }
  });

  test("the KL over responses is that of enumeration", () => {
    const [policy, reference] = [policyOf(0.8), policyOf(2.1)];
    const tables = [tabulate(tree, policy), tabulate(tree, reference)] as const;
    expect(responseKl(tree, ...tables)).toBeCloseTo(exactKl(policy, reference, rule), 12);
    for (const kl of stateKls(...tables)) expect(kl).toBeGreaterThan(0);
    expect(responseKl(tree, tables[0], tables[0])).toBe(0);
  });

  test("a certain policy's KL is minus the log-prob of its response", () => {
    const best = greedyPolicy(optimalValues(tree));
    const reference = tabulate(tree, policyOf(2.1));
    const [response] = [...enumerateResponses((context) => best[tree.indexOf(context)]!, rule)];
    const expected = -responseLogprob(policyOf(2.1), [0], response!.tokens);
    expect(responseKl(tree, best, reference)).toBeCloseTo(expected, 12);
  });

  test("the regularised optimum is the optimal objective, and its policy reaches it", () => {
    const [klCoef, reference] = [0.3, policyOf(2.1)];
    const table = tabulate(tree, reference);
    const values = regularisedValues(tree, table, klCoef);
    expect(values.v[0]).toBeCloseTo(optimalObjective(reference, rule, rule.score, klCoef), 12);
    const best = regularisedPolicy(values, table, klCoef);
    for (const logprobs of best) expect(logprobs.reduce((sum, x) => sum + Math.exp(x), 0)).toBeCloseTo(1, 12);
    const reached = policyValues(tree, best).v[0]! - klCoef * responseKl(tree, best, table);
    expect(reached).toBeCloseTo(values.v[0]!, 12);
  });

  test("with a small coefficient the regularised values are near the optimal ones, and finite", () => {
    const { v } = regularisedValues(tree, tabulate(tree, policyOf(2.1)), 1e-4);
    expect(v[0]).toBeCloseTo(optimalValues(tree).v[0]!, 2);
  });

  test("a mixture's value is the mean of its policies' values", () => {
    const policies = [0.5, 1.3, 2.6].map(policyOf);
    const mixed = policyValues(tree, tabulate(tree, mixturePolicy(policies, [0]))).v[0]!;
    const values = policies.map((policy) => policyValues(tree, tabulate(tree, policy)).v[0]!);
    expect(mixed).toBeCloseTo(values.reduce((a, b) => a + b) / 3, 12);
  });
});

test("a mixture of certain policies does what the first does where none of them comes", () => {
  const certain =
    (token: number): ExactPolicy =>
    () =>
      [0, 1, 2].map((other) => (other === token ? 0 : -Infinity));
  const mixed = mixturePolicy([certain(0), certain(1)], [0]);
  expect(mixed([0]).map(Math.exp)).toEqual([0.5, 0.5, 0]);
  expect(mixed([0, 1]).map(Math.exp)).toEqual([0, 1, 0]);
  expect(mixed([0, 2]).map(Math.exp)).toEqual([1, 0, 0]);
});

test("merged states give what all contexts give, from far fewer states", () => {
  const ones = (context: readonly number[]) => context.filter((token) => token === 1).length;
  const rule: TreeRule = { ...FIXED, maxNewTokens: 6, score: ({ row }) => ones(row) ** 2 };
  const policy: ExactPolicy = (context) => logSoftmax([0, 0.3 * ones(context), -0.2]);
  const merged = tokenTree({ ...rule, state: (context) => [ones(context)] });
  expect(merged.states.length).toBe(1 + 2 + 3 + 4 + 5 + 6);
  const values = policyValues(merged, tabulate(merged, policy));
  expect(values.v[0]).toBeCloseTo(expectedReturn(policy, rule, rule.score), 10);
  expect(optimalValues(merged).v[0]).toBe(36);
  const reference: ExactPolicy = () => logSoftmax([0, 0, 0]);
  expect(responseKl(merged, tabulate(merged, policy), tabulate(merged, reference))).toBeCloseTo(
    exactKl(policy, reference, rule),
    10,
  );
});
