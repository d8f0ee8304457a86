import { expect, test } from "@jest/globals";
import type { OpenRun } from "../../src/stages/run-context.js";
import { stageKey } from "../../src/stages/stage-key.js";
import { tinyRecipe } from "./tiny-run.js";

/** The key of a stage of a run whose one prompt has these tokens. */
const keyOf = (prompt: readonly number[], templateReadsClock: boolean): Promise<string> =>
  stageKey(
    {
      recipe: tinyRecipe(),
      dataset: { hash: "dataset-1" },
      data: { train: [{ prompt }], heldOut: [] },
      leftOut: [],
      tokenizerInfo: { baseHash: "base-1", tokenizerHash: "tokenizer-1", templateReadsClock },
      server: { models: { serverInfo: () => Promise.resolve({ engine: "tables", device: "cpu" }) } },
      call: {},
    } as unknown as OpenRun,
    "sft",
    {},
  );

test("a stage is of the prompts that a template wrote, where it writes the time", async () => {
  expect(await keyOf([1, 2], true)).toBe(await keyOf([1, 2], true));
  expect(await keyOf([1, 2], true)).not.toBe(await keyOf([1, 3], true));
  expect(await keyOf([1, 23], true)).not.toBe(await keyOf([12, 3], true));
});

test("elsewhere the dataset and the tokenizer decide the prompts", async () => {
  expect(await keyOf([1, 2], false)).toBe(await keyOf([1, 3], false));
});
