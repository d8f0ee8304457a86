import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { RegisteredRecipe } from "../../src/commands/registry.js";
import type { PreferenceDataset, PreferenceGroup } from "../../src/domain/preference-dataset.js";
import { BadInputError } from "../../src/errors.js";
import type { Testbed } from "../../src/testbed/start-testbed.js";
import { newTinyRun, runTiny, silent, startTinyTestbed, tinyDataset, tinyRecipe } from "./tiny-run.js";

let testbed: Testbed;
beforeEach(async () => {
  testbed = await startTinyTestbed();
});
afterEach(() => testbed.close());

/** 17 tokens with its end; the testbed's context is 16. */
const LONG = " good".repeat(16);

const pair = (line: number, preferred: string, reference: string | null = null): PreferenceGroup => {
  const where = `/data/pairs.jsonl:${line}`;
  return {
    ...{ id: `pair-${line}`, where, prompt: "?" },
    responses: [
      { id: `${line}/preferred`, text: preferred, rating: 1, where },
      { id: `${line}/rejected`, text: " bad", rating: 0, where },
    ],
    reference: reference === null ? null : { id: `${line}/reference`, text: reference, rating: 1, where },
  };
};

const withGroups = (train: readonly PreferenceGroup[], heldOut: readonly PreferenceGroup[]): PreferenceDataset => ({
  ...tinyDataset,
  train: [...tinyDataset.train, ...train],
  heldOut: [...tinyDataset.heldOut, ...heldOut],
});

const skipping = (recipe: RegisteredRecipe): RegisteredRecipe => ({
  ...recipe,
  data: { ...recipe.data, unusableRows: "skip" },
});

test.each([
  [
    "in the training split",
    withGroups([pair(7, LONG)], []),
    /pairs\.jsonl:7: the preferred response has 17 tokens, 18/,
  ],
  ["held out", withGroups([], [pair(9, LONG)]), /pairs\.jsonl:9: the preferred response has 17 tokens/],
  ["a reference", withGroups([pair(5, " good", LONG)], []), /pairs\.jsonl:5: the reference has 17 tokens/],
  [
    "the first of several, in the order of rows",
    withGroups([pair(12, LONG), pair(31, LONG)], [pair(3, LONG)]),
    /pairs\.jsonl:3: .*the first of 3 rows that do not fit.*data\.unusableRows to "skip"/,
  ],
])("a row that does not fit, %s, is refused before anything is trained", async (_, dataset, message) => {
  const run = await newTinyRun();
  const error: unknown = await runTiny(testbed, run, { dataset }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BadInputError);
  expect((error as Error).message).toMatch(message);
  expect(await readFile(join(run.directory, "metrics.jsonl"), "utf8")).toBe("");
});

test("skipped, it is in no stage: the run is the same as without it, and says how many", async () => {
  const rows = [pair(1, " good"), pair(2, " good good")];
  const dataset = withGroups([...rows, pair(7, LONG)], [pair(8, " good", LONG)]);
  const notes: string[] = [];
  const progress = { ...silent, note: (line: string) => void notes.push(line) };
  const recipe = skipping(tinyRecipe({ policy: { iterations: 4 }, evaluation: { against: ["sft", "reference"] } }));
  const { evaluation } = await runTiny(testbed, await newTinyRun(), { recipe, dataset, progress });
  expect(notes).toContainEqual(
    expect.stringMatching(
      /^data: 2 of \d+ rows do not fit and are left out \(data\.unusableRows\)\. The first: .*:7: /,
    ),
  );
  const without = await runTiny(testbed, await newTinyRun(), { recipe, dataset: withGroups(rows, []) });
  expect(evaluation).toEqual(without.evaluation);
}, 240_000);

test("a reward model's template counts", async () => {
  // 14 tokens fit with the prompt; with three of the template they do not.
  const dataset = withGroups([pair(7, " good".repeat(13))], []);
  const fits = tinyRecipe({ policy: { iterations: 1, validation: { every: 1, rollouts: 8 } } });
  const reward = { ...fits.reward, template: "{prompt} film film film{response}" };
  const run = await newTinyRun();
  await expect(runTiny(testbed, run, { recipe: tinyRecipe({ reward }), dataset })).rejects.toThrow(
    /pairs\.jsonl:7: the preferred response has 13 tokens, 17 with its prompt and the template: more than the reward model's context of 16/,
  );
});

test("rows of a pool are found at once too, and skipped by the same option", async () => {
  const policy = { iterations: 1, reset: { source: { kind: "pool", path: "unused" } } };
  const recipe = tinyRecipe({ policy });
  const row = (id: string, prompt: readonly number[]) => ({
    id,
    where: `/data/pool.jsonl:${id}`,
    prompt,
    response: [1, 1],
  });
  const pool = { hash: "pool-1", rows: [row("1", [0]), row("2", new Array<number>(14).fill(0)), row("3", [0, 99])] };
  const run = await newTinyRun();
  await expect(runTiny(testbed, run, { recipe, pool })).rejects.toThrow(
    /pool\.jsonl:2: the prompt has 14 tokens; .*does not fit the base's context of 16.*the first of 2 rows/,
  );
  expect(await readFile(join(run.directory, "metrics.jsonl"), "utf8")).toBe("");
  await expect(runTiny(testbed, await newTinyRun(), { recipe: skipping(recipe), pool })).resolves.toBeDefined();
}, 120_000);
