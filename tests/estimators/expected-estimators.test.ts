import { describe, expect, test } from "@jest/globals";
import type { AlgorithmDefinition } from "../../src/drpo/algorithms/define-algorithm.js";
import { grpo } from "../../src/drpo/algorithms/grpo.js";
import { npg } from "../../src/drpo/algorithms/npg.js";
import { policyGradient } from "../../src/drpo/algorithms/policy-gradient.js";
import { ppo } from "../../src/drpo/algorithms/ppo.js";
import { rebel } from "../../src/drpo/algorithms/rebel.js";
import { rloo } from "../../src/drpo/algorithms/rloo.js";
import { returnGradient } from "../../src/testbed/return-gradient.js";
import { gradientsOf, type Measured, RESPONSES } from "./estimate.js";
import { jointMeanTest } from "./joint-test.js";
import {
  BUDGET,
  EOS,
  Gradient,
  KL_COEF,
  logPolicy,
  logReference,
  PROMPT,
  returnOf,
  scoreOf,
  scoreToExpect,
  STATES,
  valueOf,
  type Written,
  writtenFrom,
} from "./small-tree.js";

const BATCHES = 3000;
const ALPHA = 0.001;
const optimizer = { learningRate: 1 };
type Context = readonly number[];

/** The theory's law: a response of D_TR, and a cut at 0..len-1. */
const RESET_LAW: readonly { readonly context: Context; readonly probability: number }[] = RESPONSES.flatMap(
  ({ prompt, response }) =>
    response.map((_, cut) => ({
      context: [...prompt, ...response.slice(0, cut)],
      probability: 1 / (RESPONSES.length * response.length),
    })),
);
const AT_THE_PROMPT: typeof RESET_LAW = [{ context: PROMPT, probability: 1 }];

/** The mean of something over the law of resets. */
function over(law: typeof RESET_LAW, at: (context: Context) => Gradient): number[] {
  const sum = new Gradient();
  for (const { context, probability } of law) sum.add(at(context), probability);
  return sum.entries;
}

/** The mean of something over groups of continuations, each drawn by itself. */
function overGroups(written: readonly Written[], size: number, visit: (group: readonly Written[], p: number) => void) {
  const extend = (group: readonly Written[], p: number): void => {
    if (group.length === size) visit(group, p);
    else for (const one of written) extend([...group, one], p * one.probability);
  };
  extend([], 1);
}

/** - 1/H grad of the KL-regularised return from a state, by the testbed's exact oracle. */
function lossGradientOfReturn(context: Context): Gradient {
  const tree = { context, maxNewTokens: BUDGET - (context.length - PROMPT.length), eosTokenId: EOS };
  const exact = returnGradient(logPolicy, tree, ({ row, tokens, logprob }) => {
    const logReferenceOf = tokens.reduce(
      (sum, token, t) => sum + logReference([...context, ...tokens.slice(0, t)])[token]!,
      0,
    );
    return scoreOf(row) - KL_COEF * (logprob - logReferenceOf);
  });
  const gradient = new Gradient();
  STATES.forEach((state, place) => {
    const slopes = exact.get(state.join(" "))?.gradients ?? [0, 0, 0];
    for (const b of [0, 1]) gradient.entries[2 * place + b] = -slopes[b]! / BUDGET;
  });
  return gradient;
}

const definitionOf = (definition: unknown) => definition as AlgorithmDefinition;
const ACTOR_CRITIC = { gaeLambda: 0.95, whitenAdvantages: false, criticOptimizer: optimizer };

const PPO: Measured = {
  algorithm: definitionOf(ppo),
  options: { kind: "ppo", epochs: 1, ...ACTOR_CRITIC },
  critic: (context) => valueOf(context),
};
const POLICY_GRADIENT: Measured = {
  ...PPO,
  algorithm: definitionOf(policyGradient),
  options: { kind: "policyGradient", ...ACTOR_CRITIC },
};
const RLOO: Measured = { algorithm: definitionOf(rloo), options: { kind: "rloo" }, spec: { continuations: 3 } };

describe("the expected gradient of the loss is the gradient of the return over the budget", () => {
  test.each([
    ["PPO", PPO],
    ["policy gradient", POLICY_GRADIENT],
    ["RLOO", RLOO],
  ])("of %s, from dataset resets and from the prompt", async (_, measured) => {
    for (const [proportion, law] of [
      [1, RESET_LAW],
      [0, AT_THE_PROMPT],
    ] as const) {
      const spec = { ...measured.spec, proportion };
      const { p, rank } = jointMeanTest(
        await gradientsOf({ ...measured, spec }, BATCHES),
        over(law, lossGradientOfReturn),
      );
      expect(p).toBeGreaterThan(ALPHA);
      expect(rank).toBe(2 * STATES.length);
    }
  });
});

/** Sum of weight(i, t) grad ln pi over the tokens of a group. */
function groupGradient(
  context: Context,
  group: readonly Written[],
  weights: readonly number[],
  scale: number,
  into: Gradient,
): void {
  group.forEach(({ tokens }, i) => into.addResponse(context, tokens, weights[i]! * scale));
}

const meanOf = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x, 0) / xs.length;

describe("the expected gradient is that of the estimator as written", () => {
  test("RLOO: return less the mean of the others", async () => {
    const expected = over(RESET_LAW, (context) => {
      const gradient = new Gradient();
      overGroups(writtenFrom(context), 3, (group, p) => {
        const returns = group.map(({ tokens }) => returnOf(context, tokens));
        const advantages = returns.map((one, i) => one - meanOf(returns.filter((_, j) => j !== i)));
        groupGradient(context, group, advantages, -p / (3 * BUDGET), gradient);
      });
      return gradient;
    });
    const { p } = jointMeanTest(await gradientsOf(RLOO, BATCHES), expected);
    expect(p).toBeGreaterThan(ALPHA);
  });

  test("GRPO: returns in units of the group's deviation, a mean over responses of means over their tokens", async () => {
    const expected = over(RESET_LAW, (context) => {
      const gradient = new Gradient();
      overGroups(writtenFrom(context), 3, (group, p) => {
        const returns = group.map(({ tokens }) => returnOf(context, tokens));
        const centre = meanOf(returns);
        const deviation = Math.sqrt(meanOf(returns.map((one) => (one - centre) ** 2)));
        const weights = group.map(({ tokens }, i) => (returns[i]! - centre) / (deviation + 1e-8) / tokens.length);
        groupGradient(context, group, weights, -p / 3, gradient);
      });
      return gradient;
    });
    const measured: Measured = {
      ...{ algorithm: definitionOf(grpo), options: { kind: "grpo" }, spec: { continuations: 3 } },
      settings: { lossMean: "responses" },
    };
    const { p, rank } = jointMeanTest(await gradientsOf(measured, BATCHES), expected);
    expect(p).toBeGreaterThan(ALPHA);
    expect(rank).toBe(2 * STATES.length);
  });

  test("REBEL: the squared difference of log-ratios over eta and of returns", async () => {
    const eta = 0.7;
    const expected = over(RESET_LAW, (context) => {
      const gradient = new Gradient();
      overGroups(writtenFrom(context), 2, (group, p) => {
        const [first, second] = group.map(({ tokens }) => returnOf(context, tokens));
        // At pi = pi_t both log-ratios are 0.
        const slope = (-2 * (first! - second!)) / eta;
        groupGradient(context, group, [slope, -slope], p, gradient);
      });
      return gradient;
    });
    const measured: Measured = {
      ...{ algorithm: definitionOf(rebel), options: { kind: "rebel", eta, epochs: 1 }, spec: { continuations: 4 } },
    };
    const { p, rank } = jointMeanTest(await gradientsOf(measured, BATCHES), expected);
    expect(p).toBeGreaterThan(ALPHA);
    expect(rank).toBe(2 * STATES.length);
  });

  test("NPG: first actions of the even mixture, log-ratios to the closed form's base, an exact critic", async () => {
    const eta = 0.8;
    const shrink = 1 / (eta * KL_COEF + 1);
    const expected = over(RESET_LAW, (context) => {
      const gradient = new Gradient();
      const [policy, reference] = [logPolicy(context), logReference(context)];
      const mixture = policy.map((logprob, a) => (Math.exp(logprob) + Math.exp(reference[a]!)) / 2);
      const base = policy.map((logprob, a) => (1 - shrink) * reference[a]! + shrink * logprob);
      const away = policy.map((logprob, a) => logprob - base[a]!);
      const q = policy.map((_, a) => scoreToExpect([...context, a]));
      mixture.forEach((pa, a) =>
        mixture.forEach((pb, b) => {
          const slope = away[a]! - away[b]! - eta * shrink * (q[a]! - q[b]!);
          gradient.addLogprob(context, a, pa * pb * slope);
          gradient.addLogprob(context, b, -pa * pb * slope);
        }),
      );
      return gradient;
    });
    const measured: Measured = {
      algorithm: definitionOf(npg),
      options: { kind: "npg", eta, epochs: 1, criticEpochs: 1, criticOptimizer: optimizer },
      critic: scoreToExpect,
      spec: { continuations: 3 },
    };
    const { p } = jointMeanTest(await gradientsOf(measured, BATCHES), expected);
    expect(p).toBeGreaterThan(ALPHA);
  });

  test("PPO with the KL as a k2 term: the surrogate without a penalty, and d grad ln pi at each token", async () => {
    const expected = over(RESET_LAW, (context) => {
      const gradient = new Gradient();
      for (const { tokens, probability } of writtenFrom(context)) {
        const scale = probability / BUDGET;
        gradient.addResponse(context, tokens, -scale * scoreOf([...context, ...tokens]));
        gradient.addResponse(context, tokens, (t) => {
          const state = [...context, ...tokens.slice(0, t)];
          return scale * KL_COEF * (logPolicy(state)[tokens[t]!]! - logReference(state)[tokens[t]!]!);
        });
      }
      return gradient;
    });
    const measured: Measured = {
      ...PPO,
      settings: { klPlacement: "loss", klEstimator: "k2" },
      critic: (context) => valueOf(context, 0),
    };
    const { p } = jointMeanTest(await gradientsOf(measured, BATCHES), expected);
    expect(p).toBeGreaterThan(ALPHA);
  });

  test("PPO's mean over tokens: a ratio of sums, enumerated over batches of one row", async () => {
    const expected = over(RESET_LAW, (context) => {
      const gradient = new Gradient();
      for (const { tokens, probability } of writtenFrom(context)) {
        gradient.addResponse(context, tokens, (t) => {
          const state = [...context, ...tokens.slice(0, t)];
          const advantage = returnOf(state, tokens.slice(t)) - valueOf(state);
          return (-probability * advantage) / tokens.length;
        });
      }
      return gradient;
    });
    const measured: Measured = {
      ...{ ...PPO, rows: 1, settings: { lossMean: "tokens" } },
      options: { ...PPO.options, gaeLambda: 1 },
    };
    const { p } = jointMeanTest(await gradientsOf(measured, 4 * BATCHES), expected);
    expect(p).toBeGreaterThan(ALPHA);
  });
});

describe("the joint test", () => {
  test("would see a factor of 1.05, and a baseline that is left out of one state", async () => {
    const samples = await gradientsOf(PPO, BATCHES);
    const right = over(RESET_LAW, lossGradientOfReturn);
    expect(
      jointMeanTest(
        samples.map((row) => row.map((x) => 1.05 * x)),
        right,
      ).p,
    ).toBeLessThan(ALPHA);
    const shifted = right.map((value, i) => (i === 0 ? value + 0.01 : value));
    expect(jointMeanTest(samples, shifted).p).toBeLessThan(ALPHA);
  });
});
