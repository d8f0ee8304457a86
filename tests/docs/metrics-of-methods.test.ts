import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createAlgorithm, registeredRecipeSchema } from "../../src/commands/registry.js";
import type { MetricsLine } from "../../src/ports/run-directory.js";
import { describedLabel } from "../../src/report/metric-labels.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import { newTinyRun, startTinyTestbed, tinyRecipe, type TinyRun } from "../stages/tiny-run.js";
import { readAlgorithmsPage, type AlgorithmsPage } from "./algorithms-page.js";
import { trainTiny } from "./train-tiny.js";

const criticOptimizer = { learningRate: 0.05 };
const optimizer = { learningRate: 0.1 };
/** Options that add metrics: prefixes, a loss on them, and the KL as a term of the loss. */
const online = (algorithm: object, { continuations = 1, klPlacement = "loss" } = {}) => ({
  ...{ iterations: 2, rolloutsPerIteration: 16, validation: { every: 2, rollouts: 8 }, algorithm, klPlacement },
  reset: { source: { field: "any", minRating: 0 }, continuations, lossOnPrefix: { kind: "crossEntropy" } },
});
const dpo = {
  ...{ kind: "dpo", batchSize: 8, maxPairs: 16, optimizer },
  validation: { every: 2, rollouts: 8 },
};

const SHARED = ["Of a batch of rollouts", "Of optimiser steps"];
/** Heading of a method, a policy that is trained by it, and the headings of the other metrics that its stage logs. */
const METHODS: readonly (readonly [heading: string, policy: object, others: readonly string[]])[] = [
  ["PPO and DR-PO", online({ kind: "ppo", criticOptimizer }), SHARED],
  ["Policy gradient", online({ kind: "policyGradient", criticOptimizer }), SHARED],
  ["RLOO", online({ kind: "rloo" }, { continuations: 4 }), SHARED],
  ["GRPO", online({ kind: "grpo" }, { continuations: 4 }), SHARED],
  ["REBEL", online({ kind: "rebel" }, { continuations: 4 }), SHARED],
  [
    "NPG",
    online({ kind: "npg", eta: 1, criticOptimizer }, { continuations: 4, klPlacement: "reward" }),
    ["Of a batch of rollouts"],
  ],
  ["DPO", dpo, []],
];

let page: AlgorithmsPage;
let testbed: Testbed;
let shared: TinyRun;
/** Of the first run, which trained SFT and the reward model too. */
let first: readonly MetricsLine[];

beforeAll(async () => {
  page = await readAlgorithmsPage();
  testbed = await startTinyTestbed();
  shared = await newTinyRun();
  first = (await train(METHODS[0]![1])).metrics;
});
afterAll(() => testbed.close());

let runs = 0;
const train = (policy: object) => {
  const { evaluation, ...tiny } = tinyRecipe();
  const recipe = registeredRecipeSchema.parse({
    ...tiny,
    evaluation: { ...evaluation, rollouts: 8, bootstrapResamples: 100 },
    policy: "kind" in policy ? policy : { optimizer, ...policy },
  });
  return trainTiny(testbed, { ...shared, directory: `${shared.directory}-${runs++}` }, recipe, createAlgorithm(recipe));
};

const namesOf = (lines: readonly MetricsLine[], stage: string): string[] =>
  [...new Set(lines.filter((line) => line.stage === stage).flatMap(({ metrics }) => Object.keys(metrics)))].sort();

const described = (headings: readonly string[]): string[] =>
  [...new Set(headings.flatMap((heading) => page.metrics(heading)))].sort();

const unlabelled = (stage: string, names: readonly string[]) => names.filter((name) => !describedLabel(stage, name));

describe("a method's section describes what it logs, no more and no less, and each metric has a label", () => {
  test.each(METHODS)("%s", async (heading, policy, others) => {
    const names = namesOf((await train(policy)).metrics, "policy");
    expect(described([heading, ...others])).toEqual(names);
    expect(unlabelled("policy", names)).toEqual([]);
  });

  test.each([
    ["SFT", "sft"],
    ["Reward model", "reward"],
    ["Of validation", "validation"],
  ])("%s", (heading, stage) => {
    const names = namesOf(first, stage);
    expect(described([heading])).toEqual(names);
    expect(unlabelled(stage, names)).toEqual([]);
  });
});

test("a method's own table repeats no shared metric but to say more of it", () => {
  for (const heading of SHARED) expect(page.metrics(heading).length).toBeGreaterThan(5);
  for (const [heading] of METHODS) expect(new Set(page.metrics(heading)).size).toBe(page.metrics(heading).length);
});
