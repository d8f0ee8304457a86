import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readPreferenceDataset } from "../../src/data/read-preference-dataset.js";
import type { RegisteredRecipe } from "../../src/commands/registry.js";
import { hasPython } from "../commands/tiny-project.js";
import {
  expectPrefixesOf,
  expectWithinBudget,
  isReset,
  readFinishedRun,
  type FinishedRun,
  type RolloutLine,
} from "./finished-run.js";
import { createTinyRecipeFolder, TINY_RECIPES, type RecipeFolder } from "./recipe-folder.js";

/** Of the tiny bases' tokenizer. */
const EOS = 0;

/** The responses of the training split that resets go into, by their ids. */
async function sourceTexts({ data, policy }: RegisteredRecipe): Promise<ReadonlyMap<string, string>> {
  const source = policy.kind === "online" ? policy.reset.source : null;
  const { train } = await readPreferenceDataset(data);
  const responses = train.flatMap(({ responses: [preferred], reference }) =>
    source?.kind === "dataset" && source.field === "reference" ? [reference] : [preferred],
  );
  return new Map(responses.flatMap((response) => (response ? [[response.id, response.text]] : [])));
}

(hasPython ? describe : describe.skip)("a tiny twin runs from data to report", () => {
  let folder: RecipeFolder;
  beforeAll(() => {
    folder = createTinyRecipeFolder();
  });
  afterAll(() => folder.remove());

  /** Twins that train the same SFT and the same reward model find them in the cache, as a user's runs do. */
  test.each(TINY_RECIPES)(
    "%s",
    async (name) => {
      const directory = join(folder.path, "runs", name);
      const { stderr, exitCode } = await folder.drpo(["train", folder.recipe(name), "--run-dir", directory]);
      expect(stderr).toMatch(/evaluate policy/);
      expect(exitCode).toBe(0);
      const run = await readFinishedRun(directory);
      if (run.recipe.policy.kind === "dpo") expectDpo(run);
      else expectPpo(run, run.recipe.policy, await sourceTexts(run.recipe));
      const prompts = /^cnn-dm/.test(name) ? /was seen near/ : /^hh/.test(name) ? /Human: / : /SUBREDDIT: /;
      expectRows(run, prompts);
    },
    240_000,
  );
});

/** A line for each response; where the data names references, each answers the same prompt. */
function expectRows({ recipe, evaluation, rows }: FinishedRun, prompts: RegExp): void {
  const { rollouts, judges, against } = recipe.evaluation;
  for (const responses of [rows.policy, rows.sft]) {
    expect(responses.map(({ row }) => row)).toEqual(Array.from({ length: rollouts }, (_, i) => i));
    for (const { prompt } of responses) expect(prompt).toMatch(prompts);
  }
  const promptOf = new Map(rows.policy.map(({ row, prompt }) => [row, prompt]));
  for (const { row, prompt } of rows.reference) expect(prompt).toBe(promptOf.get(row));
  expect(rows.reference).toHaveLength(rollouts);
  // Against references SFT is judged, too.
  const asked = against.flatMap((one) => [`policy ${one}`, ...(one === "reference" ? [`sft ${one}`] : [])]);
  expect(new Set(rows.verdicts.map(({ of, against: one }) => `${of} ${one}`))).toEqual(new Set(asked));
  expect(rows.verdicts).toHaveLength(rollouts * judges.length * asked.length);
  expect(evaluation.policy.rouge1 !== null).toBe(recipe.data.kind === "pairs" && !recipe.name.startsWith("hh"));
}

/** DPO samples nothing. */
function expectDpo({ rollouts, metrics }: FinishedRun): void {
  expect(rollouts).toEqual([]);
  for (const metric of metrics) {
    expect(Object.keys(metric)).toEqual(
      expect.arrayContaining(["policyLoss", "accuracy", "margin", "preferredLogRatio", "rejectedLogRatio"]),
    );
  }
  // The first update starts from SFT, where every margin is 0.
  expect(metrics[0]).toMatchObject({ margin: 0, accuracy: 0.5 });
  expect(metrics[0]!["policyLoss"]).toBeCloseTo(Math.log(2), 5);
}

function expectPpo(
  { recipe, rollouts, metrics }: FinishedRun,
  policy: RegisteredRecipe["policy"] & { readonly kind: "online" },
  textOf: ReadonlyMap<string, string>,
): void {
  const budget = recipe.response.maxTokens;
  expect(rollouts).toHaveLength(policy.iterations * policy.rolloutsPerIteration);
  for (const metric of metrics) {
    const names = ["score", "kl", "policyLoss", "valueLoss", "explainedVariance", "clipShare", "resetShare", "klCoef"];
    expect(Object.keys(metric)).toEqual(expect.arrayContaining(names));
    expect(metric).toMatchObject({ steps: 4, klCoef: 0.05 });
    expect(metric["samplerTrainerGapMax"]).toBeLessThan(1e-4);
  }
  expect(metrics[0]!["kl"]).toBeCloseTo(0, 5);
  expectProportion(rollouts, policy.reset.proportion);
  expectPrefixesOf(textOf, rollouts);
  for (const { prefix, maxNewTokens } of rollouts) {
    expect(prefix.length).toBeLessThan(budget);
    expect(maxNewTokens).toBe(budget - prefix.length);
  }
  if (policy.stopAtEndOfSequence) expectWithinBudget(rollouts, budget, EOS);
  else for (const { prefix, generated } of rollouts) expect(prefix.length + generated.length).toBe(budget);
}

/** The released law never resets to the prompt, so that resets are told by their prefixes. */
function expectProportion(rollouts: readonly RolloutLine[], proportion: number): void {
  const resets = rollouts.filter(isReset);
  expect(resets.every(({ sourceId }) => sourceId !== null)).toBe(true);
  const share = resets.length / rollouts.length;
  // Exact at both ends; between them Bernoulli for each row, five standard deviations.
  expect(Math.abs(share - proportion)).toBeLessThanOrEqual(
    5 * Math.sqrt((proportion * (1 - proportion)) / rollouts.length),
  );
  if (resets.length > 0) expect(new Set(resets.map(({ prefix }) => prefix.length)).size).toBeGreaterThan(2);
}
