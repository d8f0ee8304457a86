import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { type RegisteredRecipe, registeredRecipeSchema } from "../../src/commands/registry.js";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import { BadInputError } from "../../src/errors.js";
import { writeFakeBase } from "../fake-base.js";
import { releasedRecipe } from "./released-recipe.js";

const folder = mkdtempSync(join(tmpdir(), "drpo-preset-"));
const [base, data] = [join(folder, "base"), join(folder, "data.jsonl")];
writeFakeBase(base);
writeFileSync(data, "");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The recipe with these values, by path, written into it. */
const resolve = (values: Readonly<Record<string, unknown>>): RegisteredRecipe =>
  resolveRecipe({ raw: releasedRecipe({ base, data }), name: "recipe.json", folder }, registeredRecipeSchema, {
    set: Object.entries(values).map(([path, value]) => `${path}=${JSON.stringify(value)}`),
  });

const valueAt = (recipe: unknown, path: string): unknown =>
  path.split(".").reduce((inner, key) => (inner as Record<string, unknown>)[key], recipe);

/** What is refused, as lines; none if nothing is. */
function problemsOf(values: Readonly<Record<string, unknown>>): string[] {
  try {
    resolve(values);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(BadInputError);
    return (error as Error).message.split("\n").map((line) => line.replace("recipe.json:", "").trim());
  }
}

/** Rows of the table "What the released code does": an option, the released code's value, another one. */
const PRESET: readonly (readonly [path: string, released: unknown, other: unknown])[] = [
  ["policy.reset.source.kind", "dataset", "ownRollouts"],
  ["policy.reset.source.field", "reference", "any"],
  ["policy.reset.selector.kind", "uniform", "steps"],
  ["policy.reset.selector.law", "released", "theory"],
  ["policy.reset.prefixCountsInBudget", true, false],
  ["policy.reset.endOfSequenceCounts", true, false],
  ["policy.reset.condition", null, { rollouts: 4, scoreBelow: 0 }],
  ["policy.reset.continuations", 1, 2],
  ["policy.reset.lossOnPrefix.kind", "none", "crossEntropy"],
  ["policy.sampling.temperature", 0.7, 1],
  ["policy.sampling.topP", 1, 0.9],
  ["policy.sampling.topK", 0, 50],
  ["policy.stopAtEndOfSequence", false, true],
  ["reward.normalise", false, true],
  ["policy.missingEosScore", -1, null],
  ["policy.endMustPrecedeLast", true, false],
  ["policy.klPlacement", "reward", "loss"],
  ["policy.adaptiveKl", null, { target: 6 }],
  ["policy.targetKl", null, 0.1],
  ["policy.maxImportanceWeight", null, 2],
  ["policy.algorithm.kind", "ppo", "policyGradient"],
  ["policy.algorithm.prefixInSignal", true, false],
  ["policy.algorithm.whitenRewards", true, false],
  ["policy.algorithm.whitenAdvantages", true, false],
  ["policy.algorithm.rowsPerWhitening", 128, null],
  ["policy.lossMean", "tokens", "budget"],
  ["policy.algorithm.minibatches", 1, 2],
  ["policy.algorithm.rowsPerMean", 4, 8],
  ["policy.algorithm.valueClipRange", 0.2, 0],
  ["policy.optimizer.epsilon", 1e-5, 1e-8],
  ["policy.optimizer.weightDecay", 0.01, 0],
  ["policy.algorithm.criticOptimizer.epsilon", 1e-5, 1e-8],
  ["policy.algorithm.criticOptimizer.weightDecay", 0.01, 0],
];

describe('policy.compat = "drpo-2024"', () => {
  test.each(PRESET)("%s is %j", (path, released) => {
    expect(valueAt(resolve({}), path)).toEqual(released);
    expect(valueAt(resolve({ [path]: released }), path)).toEqual(released);
  });

  test.each(PRESET)("%s: an explicit value other than %j is refused by name", (path, released, other) => {
    const wanted = `${path} is ${JSON.stringify(other)}, but policy.compat = "drpo-2024" means ${JSON.stringify(released)}`;
    expect(problemsOf({ [path]: other })).toContainEqual(expect.stringContaining(wanted));
    // It is the compat mode that refuses it, not the schema.
    const free = { "policy.compat": "none", "policy.algorithm.kind": "ppo" };
    expect(problemsOf({ ...free, [path]: other })).toEqual([]);
  });

  test("every contradiction is named in one message", () => {
    const problems = problemsOf({
      "policy.klPlacement": "loss",
      "policy.sampling.topK": 5,
      "policy.lossMean": "budget",
    });
    expect(problems.slice(1).map((line) => line.split(" ")[0])).toEqual([
      "policy.sampling.topK",
      "policy.klPlacement",
      "policy.lossMean",
      // What follows from it: rows are averaged by their tokens.
      "policy.algorithm.rowsPerMean:",
    ]);
  });

  test("a section of another kind is refused for its kind, not for keys that nobody wrote", () => {
    expect(problemsOf({ "policy.reset.source.kind": "livePolicy" })).toHaveLength(1);
    const [, first, ...others] = problemsOf({ "policy.algorithm": { kind: "rloo" } });
    expect(first).toMatch(/^policy\.algorithm\.kind is "rloo", but policy\.compat/);
    expect(others).toEqual([expect.stringMatching(/needs at least 2/)]);
    expect(problemsOf({ "policy.kind": "dpo" })[1]).toMatch(/^policy\.kind is "dpo", but policy\.compat/);
  });

  test("what the table leaves to the recipe is the recipe's", () => {
    const own = { "policy.klCoef": 0.2, "policy.reset.proportion": 0.5, "policy.algorithm.epochs": 3 };
    const recipe = resolve(own);
    for (const [path, value] of Object.entries(own)) expect(valueAt(recipe, path)).toBe(value);
  });
});
