import { describe, expect, test } from "@jest/globals";
import { enumerateResponses, type ExactResponse } from "../../src/testbed/enumerate-responses.js";
import { exactKl, responseLogprob } from "../../src/testbed/exact-kl.js";
import { expectedReturn } from "../../src/testbed/expected-return.js";
import { optimalObjective } from "../../src/testbed/optimal-objective.js";
import { returnGradient } from "../../src/testbed/return-gradient.js";
import { logSoftmax } from "../../src/testbed/softmax.js";

const TREE = { context: [0], maxNewTokens: 3, eosTokenId: 2 };
type Logits = (context: readonly number[]) => number[];
const uneven: Logits = (context) => [0, 1, 2].map((token) => Math.sin(token + 2 * context.length + context.at(-1)!));
const other: Logits = (context) => [0.2, context.length * 0.3, -0.5];
const policyOf = (logits: Logits) => (context: readonly number[]) => logSoftmax(logits(context));
const score = ({ tokens }: ExactResponse) => tokens.filter((token) => token === 1).length - 0.3 * tokens.length;

test("the responses of a tree end once, and their probabilities sum to one", () => {
  const responses = [...enumerateResponses(policyOf(uneven), TREE)];
  expect(new Set(responses.map(({ tokens }) => tokens.join())).size).toBe(1 + 2 + 4 * 3);
  expect(responses.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 12);
  for (const { tokens, logprob } of responses) {
    expect(responseLogprob(policyOf(uneven), [0], tokens)).toBeCloseTo(logprob, 12);
  }
});

test("a prefix narrows the tree", () => {
  const reset = { ...TREE, context: [0, 1], maxNewTokens: 2 };
  const whole = [...enumerateResponses(policyOf(uneven), TREE)].filter(({ tokens }) => tokens[0] === 1);
  const conditional = [...enumerateResponses(policyOf(uneven), reset)];
  expect(conditional.map(({ row }) => row)).toEqual(whole.map(({ row }) => row));
});

test("the expected return of a certain policy is its response's score", () => {
  const certain = (context: readonly number[]) =>
    context.length < 3 ? [-Infinity, 0, -Infinity] : [-Infinity, -Infinity, 0];
  expect(expectedReturn(certain, TREE, score)).toBeCloseTo(2 - 0.9, 12);
});

describe("KL", () => {
  test("of a policy to itself is zero, to another positive", () => {
    expect(exactKl(policyOf(uneven), policyOf(uneven), TREE)).toBeCloseTo(0, 12);
    expect(exactKl(policyOf(uneven), policyOf(other), TREE)).toBeGreaterThan(0);
  });

  test("is the sum over states of how often they are visited times the KL of their next tokens", () => {
    const [policy, reference] = [policyOf(uneven), policyOf(other)];
    const chainRule = (context: readonly number[], depth: number): number => {
      if (depth === TREE.maxNewTokens || context.at(-1) === TREE.eosTokenId) return 0;
      return policy(context).reduce(
        (sum, logprob, token) =>
          sum + Math.exp(logprob) * (logprob - reference(context)[token]! + chainRule([...context, token], depth + 1)),
        0,
      );
    };
    expect(exactKl(policy, reference, TREE)).toBeCloseTo(chainRule(TREE.context, 0), 12);
  });
});

describe("the gradient of the return", () => {
  const STEP = 1e-6;
  const changedAt =
    (changed: string, index: number, change: number): Logits =>
    (context) =>
      uneven(context).map((logit, i) => logit + (context.join(" ") === changed && i === index ? change : 0));

  test("is that of finite differences, in every state", () => {
    const gradients = returnGradient(policyOf(uneven), TREE, score);
    expect(gradients.size).toBe(1 + 2 + 4);
    for (const [key, { gradients: slopes }] of gradients) {
      slopes.forEach((slope, i) => {
        const at = (change: number) => expectedReturn(policyOf(changedAt(key, i, change)), TREE, score);
        expect(slope).toBeCloseTo((at(STEP) - at(-STEP)) / (2 * STEP), 7);
      });
    }
  });

  test("of the KL-regularised return too", () => {
    const klCoef = 0.2;
    const reference = policyOf(other);
    const regularised = (logits: Logits) =>
      expectedReturn(policyOf(logits), TREE, score) - klCoef * exactKl(policyOf(logits), reference, TREE);
    const gradients = returnGradient(policyOf(uneven), TREE, (response) => {
      const logRatio = response.logprob - responseLogprob(reference, TREE.context, response.tokens);
      return score(response) - klCoef * logRatio;
    });
    const slopes = gradients.get("0")!.gradients;
    slopes.forEach((slope, i) => {
      const at = (change: number) => regularised(changedAt("0", i, change));
      expect(slope).toBeCloseTo((at(STEP) - at(-STEP)) / (2 * STEP), 7);
    });
  });
});

test("no policy beats the optimal objective, and the tilted reference reaches it", () => {
  const klCoef = 0.5;
  const reference = policyOf(other);
  const best = optimalObjective(reference, TREE, score, klCoef);
  expect(
    expectedReturn(policyOf(uneven), TREE, score) - klCoef * exactKl(policyOf(uneven), reference, TREE),
  ).toBeLessThan(best);
  const responses = [...enumerateResponses(reference, TREE)];
  const tilted = responses.map((response) => Math.exp(response.logprob + score(response) / klCoef));
  const total = tilted.reduce((sum, weight) => sum + weight, 0);
  const objective = responses.reduce((sum, response, i) => {
    const probability = tilted[i]! / total;
    return sum + probability * (score(response) - klCoef * (Math.log(probability) - response.logprob));
  }, 0);
  expect(objective).toBeCloseTo(best, 12);
});
