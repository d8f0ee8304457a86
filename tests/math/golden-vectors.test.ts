import { expect, test } from "@jest/globals";
import { adaptKlCoef } from "../../src/math/adaptive-kl.js";
import { gae } from "../../src/math/gae.js";
import { groupAdvantages, leaveOneOutAdvantages } from "../../src/math/group-baselines.js";
import { truncatedImportanceWeights } from "../../src/math/importance-weights.js";
import { klK1, klK2, klK3 } from "../../src/math/kl.js";
import { learningRateAt } from "../../src/math/learning-rate.js";
import { pairAccuracy } from "../../src/math/pair-accuracy.js";
import { explainedVariance, quantile, whiten } from "../../src/math/statistics.js";
import { expectNear, readGolden } from "./golden-vectors.js";

type Numbers = readonly number[];
type Groups = readonly Numbers[];

/** The cases of tests/golden/math.json, by function. */
interface Golden {
  readonly gae: {
    rewards: Numbers;
    values: Numbers;
    gamma: number;
    gaeLambda: number;
    advantages: Numbers;
    returns: Numbers;
  };
  readonly whiten: { xs: Numbers; shiftMean: boolean; whitened: Numbers };
  readonly kl: { logRatios: Numbers; k1: number; k2: number; k3: number };
  readonly leaveOneOutAdvantages: { scores: Numbers; groups: Groups; advantages: Numbers };
  readonly groupAdvantages: { scores: Numbers; groups: Groups; scaleByDeviation: boolean; advantages: Numbers };
  readonly adaptKlCoef: Parameters<typeof adaptKlCoef>[0] & { next: number };
  readonly truncatedImportanceWeights: {
    trainerLogprobs: Numbers;
    samplerLogprobs: Numbers;
    maxWeight: number;
    weights: Numbers;
  };
  readonly explainedVariance: { predictions: Numbers; targets: Numbers; value: number };
  readonly learningRateAt: { schedule: Parameters<typeof learningRateAt>[0]; rates: Numbers };
  readonly pairAccuracy: { scores: Numbers; ratings: Numbers; groupSizes: Numbers; weights?: number[]; value: number };
  readonly quantile: { sorted: Numbers; q: number; value: number };
}

const checks: { readonly [Name in keyof Golden]: (golden: Golden[Name]) => void } = {
  gae: ({ rewards, values, gamma, gaeLambda, advantages, returns }) => {
    const found = gae(rewards, values, { gamma, gaeLambda });
    expectNear(found.advantages, advantages);
    expectNear(found.returns, returns);
  },
  whiten: ({ xs, shiftMean, whitened }) => {
    expectNear(whiten(xs, { shiftMean }), whitened);
    if (shiftMean) expectNear(whiten(xs), whitened);
  },
  kl: ({ logRatios, k1, k2, k3 }) => expectNear([klK1(logRatios), klK2(logRatios), klK3(logRatios)], [k1, k2, k3]),
  leaveOneOutAdvantages: ({ scores, groups, advantages }) =>
    expectNear(leaveOneOutAdvantages(scores, groups), advantages),
  groupAdvantages: ({ scores, groups, scaleByDeviation, advantages }) =>
    expectNear(groupAdvantages(scores, groups, { scaleByDeviation }), advantages),
  adaptKlCoef: ({ next, ...options }) => expectNear([adaptKlCoef(options)], [next]),
  truncatedImportanceWeights: ({ trainerLogprobs, samplerLogprobs, maxWeight, weights }) =>
    expectNear(truncatedImportanceWeights(trainerLogprobs, samplerLogprobs, maxWeight), weights),
  explainedVariance: ({ predictions, targets, value }) =>
    expectNear([explainedVariance(predictions, targets)], [value]),
  learningRateAt: ({ schedule, rates }) =>
    expectNear(
      rates.map((_, index) => learningRateAt(schedule, index, rates.length)),
      rates,
    ),
  pairAccuracy: ({ scores, ratings, groupSizes, weights, value }) =>
    expectNear([pairAccuracy(scores, ratings, groupSizes, weights)], [value]),
  quantile: ({ sorted, q, value }) => expectNear([quantile(sorted, q)], [value]),
};

const golden = readGolden<{ readonly [Name in keyof Golden]: readonly Golden[Name][] }>("math");

test("every function of the golden file is checked", () => {
  expect(Object.keys(checks).sort()).toEqual(Object.keys(golden).sort());
});

test.each(Object.keys(checks) as (keyof Golden)[])("%s gives the golden numbers", (name) => {
  const check = checks[name] as (golden: unknown) => void;
  expect(golden[name].length).toBeGreaterThan(0);
  for (const one of golden[name]) check(one);
});
