import { expect, test } from "@jest/globals";
import { combinationLock } from "../../src/testbed/combination-lock.js";
import { enumerateResponses, type ExactPolicy } from "../../src/testbed/enumerate-responses.js";
import { expectedReturn } from "../../src/testbed/expected-return.js";
import { logSoftmax } from "../../src/testbed/softmax.js";
import { tabulate, tokenTree } from "../../src/testbed/token-tree.js";
import { greedyPolicy, optimalValues, policyValues } from "../../src/testbed/tree-values.js";

const uniform: ExactPolicy = () => logSoftmax([0, 0, 0]);

test("one response of all scores, and the best policy writes it", () => {
  const lock = combinationLock({ horizon: 5, actions: 3, seed: 7n });
  const winners = [...enumerateResponses(uniform, lock)].filter((response) => lock.score(response) > 0);
  expect(winners.map(({ tokens }) => tokens)).toEqual([lock.path]);
  expect(lock.score(winners[0]!)).toBe(lock.optimalValue);
  const tree = tokenTree(lock);
  const best = greedyPolicy(optimalValues(tree));
  const written = [...enumerateResponses((context) => best[tree.indexOf(context)]!, lock)];
  expect(written.map(({ tokens }) => tokens)).toEqual([lock.path]);
  expect(optimalValues(tree).v[0]).toBe(lock.optimalValue);
});

test("chance finds it once in actions^H, by two states a step as by all contexts", () => {
  const lock = combinationLock({ horizon: 5, actions: 3, seed: 7n });
  const tree = tokenTree(lock);
  expect(tree.states.length).toBe(1 + 4 * 2);
  expect(policyValues(tree, tabulate(tree, uniform)).v[0]).toBeCloseTo(3 ** -5, 15);
  expect(expectedReturn(uniform, lock, lock.score)).toBeCloseTo(3 ** -5, 15);
});

test("the seed decides the right tokens", () => {
  const pathOf = (seed: bigint) => combinationLock({ horizon: 20, actions: 4, seed }).path;
  expect(pathOf(1n)).toEqual(pathOf(1n));
  expect(pathOf(1n)).not.toEqual(pathOf(2n));
  expect(new Set(pathOf(1n)).size).toBe(4);
});
