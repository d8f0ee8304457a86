import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { startTestbed, type Testbed } from "../../src/testbed/start-testbed.js";
import { newTinyRun, runTiny, tinyRecipe, VOCABULARY } from "./tiny-run.js";

const DIFFERENCE = 'token 17 is " vert" there and " green" in the base';

let testbed: Testbed;
beforeEach(async () => {
  const differences = { "testbed:other": DIFFERENCE, "other-adapter": DIFFERENCE };
  testbed = await startTestbed({ vocabulary: VOCABULARY, contextTokens: 16, memoryTokens: 2, differences });
});
afterEach(() => testbed.close());

const guide = (kind: string, path: string) => ({
  policy: { reset: { source: { kind: "livePolicy", writer: { kind, path } } } },
});
const judge = (kind: string, path: string) => ({
  evaluation: { judges: [{ kind: "rewardModel", name: "second", reward: { kind, path } }] },
});
const sft = (path: string) => ({ sft: { kind: "adapter", path } });
const inSum = (path: string) => ({
  reward: { kind: "sum", terms: [{ weight: 2, reward: { kind: "folder", path, normalise: false } }] },
});

test.each([
  ["a reward model", "reward", { reward: { kind: "folder", path: "testbed:other" } }],
  ["a reward adapter", "reward", { reward: { kind: "adapter", path: "other-adapter" } }],
  ["a term of a sum", "reward.terms[0].reward", inSum("testbed:other")],
  ["a judge", "The judge second", judge("folder", "testbed:other")],
  ["a judge's adapter", "The judge second", judge("adapter", "other-adapter")],
  ["a guide", "policy.reset.source.writer.path", guide("folder", "testbed:other")],
  ["a guide's adapter", "policy.reset.source.writer.path", guide("adapter", "other-adapter")],
  ["an adapter of SFT", "sft.path", sft("other-adapter")],
])("%s of another tokenizer is refused before anything is made or trained", async (_what, where, changes) => {
  const error: unknown = await runTiny(testbed, await newTinyRun(), { recipe: tinyRecipe(changes) }).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(BadInputError);
  const { message } = error as BadInputError;
  for (const part of [`${where}: `, "other", "testbed:tiny", DIFFERENCE]) expect(message).toContain(part);
  expect(testbed.faults.callsOf("CreateModel")).toBe(0);
  expect(testbed.faults.callsOf("OptimizerStep")).toBe(0);
});

test("models of the same tokenizer are taken", async () => {
  const recipe = tinyRecipe({
    policy: {
      iterations: 1,
      validation: { every: 1, rollouts: 8 },
      ...guide("folder", "testbed:guide").policy,
    },
    ...judge("folder", "testbed:judge"),
    sft: { kind: "base" },
    reward: { kind: "folder", path: "testbed:reward", normalise: false },
  });
  await runTiny(testbed, await newTinyRun(), { recipe });
  expect(testbed.faults.callsOf("CompareTokenizers")).toBeGreaterThan(1);
});
