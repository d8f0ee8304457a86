import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { optimizerSchema } from "../../src/config/optimizer.js";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import { registeredRecipeSchema } from "../../src/commands/registry.js";
import { BadInputError } from "../../src/errors.js";

const optimizer = { learningRate: 0.01 };
const written = {
  name: "small",
  model: { base: "testbed:small" },
  data: { kind: "pairs", path: "pairs.jsonl" },
  response: { maxTokens: 8 },
  sft: { kind: "train", optimizer },
  reward: { kind: "train", optimizer },
  policy: { iterations: 4, algorithm: { kind: "ppo", criticOptimizer: optimizer }, optimizer },
  evaluation: { judges: [{ kind: "lexicon" }] },
};
const OPTIMIZERS = [
  "sft.optimizer",
  "reward.optimizer",
  "policy.optimizer",
  "policy.algorithm.criticOptimizer",
] as const;

/** The recipe with one value changed. */
const changed = (path: string, value: unknown): unknown => {
  const copy = structuredClone(written) as Record<string, unknown>;
  const keys = path.split(".");
  let at = copy;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
  at[keys.at(-1)!] = value;
  return copy;
};

const problemsOf = (raw: unknown): string => {
  const { error } = registeredRecipeSchema.safeParse(raw);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n");
};

test("the recipe of these tests is right", () => {
  expect(problemsOf(written)).toBe("");
});

describe.each(OPTIMIZERS)("%s", (section) => {
  test.each([
    ["learningRate", [1e30, 1e308, 11, 0, -1, Infinity, NaN]],
    ["beta1", [1, -0.1, 1e30]],
    ["beta2", [1, -0.1]],
    ["epsilon", [5e-324, 0, 1e-17, 2, 1e308]],
    ["weightDecay", [-1, 101, 1e30, 1e308]],
    ["maxGradientNorm", [-1, 1e30, Infinity]],
  ])("refuses %s out of its range", (key, values) => {
    for (const value of values) expect(problemsOf(changed(`${section}.${key}`, value))).toMatch(`${section}.${key}:`);
  });

  test("refuses a weight decay that turns the weights over", () => {
    const problems = problemsOf(changed(section, { learningRate: 0.5, weightDecay: 3 }));
    expect(problems).toMatch(`${section}.weightDecay: times learningRate it must be at most 1`);
  });
});

test.each([
  ["model.shape", { kind: "lora", alpha: 1e30 }],
  ["model.shape", { kind: "lora", alpha: 1e-30 }],
  ["policy.sampling.temperature", 1e-30],
  ["policy.sampling.temperature", 1e30],
  ["policy.klCoef", 1e30],
  ["policy.adaptiveKl", { target: 1e-300 }],
  ["policy.adaptiveKl", { target: 1, horizon: 1e-300 }],
  ["policy.maxImportanceWeight", 1e300],
  ["policy.missingEosScore", -1e300],
  ["policy.algorithm.clipRange", 1e300],
  ["policy.algorithm.valueClipRange", 1e300],
  ["policy.algorithm.valueCoef", 1e300],
])("refuses %s = %j, which no float32 arithmetic survives", (path, value) => {
  expect(problemsOf(changed(path, value))).toMatch(path);
});

test("says what would be right", () => {
  const resolve = () =>
    resolveRecipe(
      { raw: changed("policy.optimizer.learningRate", 1e30), name: "recipe.json", folder: "/" },
      registeredRecipeSchema,
    );
  expect(resolve).toThrow(BadInputError);
  expect(resolve).toThrow(/policy\.optimizer\.learningRate.*1e\+30.*at most 10/);
});

test("PROPERTY: a step by settings that are accepted cannot overflow float32 by itself", () => {
  const any = fc.double({ noNaN: true, min: 0 });
  fc.assert(
    fc.property(any, any, any, any, any, (learningRate, beta1, beta2, epsilon, weightDecay) => {
      const { data } = optimizerSchema.safeParse({ learningRate, beta1, beta2, epsilon, weightDecay });
      if (data === undefined) return;
      expect(Math.fround(data.epsilon)).toBeGreaterThan(0);
      expect(Number.isFinite(Math.fround(data.learningRate / (1 - data.beta1) / data.epsilon))).toBe(true);
      expect(Math.abs(1 - data.learningRate * data.weightDecay)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 2_000 },
  );
});
