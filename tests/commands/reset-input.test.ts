import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTinyProject, tinyRecipe, type TinyProject } from "./tiny-project.js";

let project: TinyProject;
beforeAll(async () => {
  project = await createTinyProject();
  await writeFile(join(project.folder, "pool.jsonl"), '{"prompt":"w1","responseTokens":[3,40]}\n');
  await writeFile(join(project.folder, "cut.mjs"), "export const share = 0.5;\n");
});
afterAll(() => project.remove());

/** Trains with another `policy.reset` and other options of `policy`; it must not come to that. */
async function refusalOf(reset: object, policy: object = {}): Promise<string> {
  await project.writeRecipe({ policy: { ...tinyRecipe.policy, ...policy, reset } });
  const { stdout, stderr, exitCode } = await project.drpo(["train", "recipe.json"]);
  expect(stdout).toBe("");
  expect(stderr).not.toMatch(/^ +at /m);
  expect(exitCode).toBe(2);
  // Before a run directory was made, and so before a server was started.
  expect(existsSync(join(project.folder, "runs"))).toBe(false);
  return stderr;
}

const any = { field: "any", minRating: 0 };
const optimizer = { learningRate: 0.01 };

describe("a ResetSpec that contradicts itself is refused by name", () => {
  test.each<[string, object, RegExp]>([
    [
      "a condition without own rollouts",
      { source: any, condition: { rollouts: 0, scoreBelow: 1 } },
      /policy\.reset\.condition\.rollouts is 0: .*own rollouts, at least 1/,
    ],
    [
      "a condition where nothing is reset",
      { source: any, proportion: 0, condition: { rollouts: 2, scoreBelow: 1 } },
      /policy\.reset\.condition is set, but policy\.reset\.proportion is 0/,
    ],
    [
      "a schedule that leaves 0..1",
      { source: any, selector: { kind: "scheduledFraction", start: 1.5 } },
      /policy\.reset\.selector\.start is 1\.5: it must be at most 1/,
    ],
    [
      "a pool of another vocabulary",
      { source: { kind: "pool", path: "pool.jsonl" } },
      /pool\.jsonl:1: "responseTokens" holds token 40, which is outside the base's vocabulary of 32/,
    ],
    [
      "a pool that is not there",
      { source: { kind: "pool", path: "none.jsonl" } },
      /policy\.reset\.source\.path: there is nothing at .*none\.jsonl/,
    ],
    [
      "a rating for the preferred ones",
      { source: { field: "preferred", minRating: 1 } },
      /policy\.reset\.source\.minRating is 1 and policy\.reset\.source\.field is "preferred"/,
    ],
    [
      "a fraction for examples that never come again",
      { source: { kind: "ownRollouts" }, selector: { kind: "adaptiveFraction", scoreThreshold: 0 } },
      /selector\.kind is "adaptiveFraction" and policy\.reset\.source\.kind is "ownRollouts"/,
    ],
    [
      "whole responses of the data",
      { source: any, selector: { kind: "whole" } },
      /selector\.kind is "whole" and policy\.reset\.source\.kind is "dataset"/,
    ],
    [
      "a loss on prefixes that there are none of",
      { source: any, proportion: 0, lossOnPrefix: { kind: "crossEntropy" } },
      /policy\.reset\.lossOnPrefix is "crossEntropy", but policy\.reset\.proportion is 0/,
    ],
    [
      "a module that is not there",
      { source: any, selector: { kind: "function", module: "none.mjs" } },
      /policy\.reset\.selector\.module: there is nothing at .*none\.mjs/,
    ],
    [
      "an export that is no function",
      { source: any, selector: { kind: "function", module: "cut.mjs", export: "share" } },
      /policy\.reset\.selector\.module: share of .*cut\.mjs is of type number; it must be a function/,
    ],
    ["an unknown source", { source: { kind: "dateset" } }, /policy\.reset\.source\.kind is "dateset": .*"dataset"/],
  ])("%s", async (_what, reset, message) => {
    expect(await refusalOf(reset)).toMatch(message);
  });
});

describe("an algorithm and a ResetSpec that do not go together are refused by name", () => {
  test.each<[string, object, object, RegExp]>([
    [
      "a group of one",
      { source: any },
      { algorithm: { kind: "grpo" } },
      /policy\.reset\.continuations: .*"grpo" compares rollouts of one prefix and needs at least 2; it is left out/,
    ],
    [
      "an odd group of pairs",
      { source: any, continuations: 3 },
      { algorithm: { kind: "rebel" }, rolloutsPerIteration: 12 },
      /policy\.reset\.continuations: .*"rebel".* a multiple of 2; it is 3/,
    ],
    [
      "a policy gradient on prefixes without single tokens",
      { source: any, continuations: 2, lossOnPrefix: { kind: "policyGradient" } },
      { algorithm: { kind: "rebel" } },
      /policy\.reset\.lossOnPrefix\.kind: .*"rebel" has no loss of single tokens; use "crossEntropy"/,
    ],
    [
      "an importance weight that nothing would use",
      { source: any, continuations: 2 },
      { algorithm: { kind: "npg", eta: 1, criticOptimizer: optimizer }, maxImportanceWeight: 2 },
      /policy\.maxImportanceWeight: .*"npg" has no loss of single tokens/,
    ],
    [
      "the released code with another law",
      { source: { field: "reference" }, selector: { law: "theory" } },
      { compat: "drpo-2024" },
      /policy\.reset\.selector\.law is "theory", but policy\.compat = "drpo-2024" means "released"/,
    ],
  ])("%s", async (_what, reset, policy, message) => {
    expect(await refusalOf(reset, policy)).toMatch(message);
  });
});
