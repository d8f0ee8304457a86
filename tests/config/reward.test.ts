import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { registeredRecipeSchema } from "../../src/commands/registry.js";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import { rewardModelTerm, rewardTerms } from "../../src/config/reward-terms.js";
import { BadInputError } from "../../src/errors.js";
import { writeFakeAdapter, writeFakeBase } from "../fake-base.js";

const optimizer = { learningRate: 0.01 };
const model = { kind: "train", optimizer };
const verifier = { kind: "http", url: "https://verifier.example/score" };
const fn = { kind: "function", module: "score.ts" };
const sum = (...rewards: object[]) => ({
  kind: "sum",
  terms: rewards.map((reward, i) => ({ weight: i + 1, reward })),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-reward-"));
  await writeFile(join(folder, "score.ts"), "export default () => 0;");
  writeFakeBase(join(folder, "base"));
  writeFakeAdapter(join(folder, "adapter"));
  await writeFile(join(folder, "pairs.jsonl"), "{}");
});
afterAll(() => rm(folder, { recursive: true }));

const resolved = (reward: object, { changes = {}, seed }: { changes?: object; seed?: number } = {}) => {
  const raw = {
    name: "small",
    model: { base: "base" },
    data: { kind: "pairs", path: "pairs.jsonl" },
    response: { maxTokens: 8 },
    sft: { kind: "base" },
    policy: { iterations: 4, algorithm: { kind: "ppo", criticOptimizer: optimizer }, optimizer },
    evaluation: { judges: [{ kind: "lexicon" }] },
    reward,
    ...changes,
  };
  return resolveRecipe({ raw, name: "recipe.json", folder }, registeredRecipeSchema, { seed });
};

const problem = (reward: object, options: Parameters<typeof resolved>[1] = {}): string => {
  try {
    resolved(reward, options);
  } catch (error) {
    expect(error).toBeInstanceOf(BadInputError);
    return (error as Error).message;
  }
  throw new Error("it was accepted");
};

describe("a resolved reward", () => {
  test("has every default: models are normalised, functions and verifiers are not", () => {
    expect(resolved(model).reward).toMatchObject({ normalise: true, scaleRollouts: 128 });
    expect(resolved(fn).reward).toEqual({
      ...{ kind: "function", module: join(folder, "score.ts"), export: "default", options: {}, concurrency: 16 },
      ...{ normalise: false, scaleRollouts: 128 },
    });
    expect(resolved(verifier).reward).toEqual({
      ...{ ...verifier, batchSize: 32, concurrency: 4, timeoutMs: 30_000, maxAttempts: 6, allowInsecure: false },
      ...{ normalise: false, scaleRollouts: 128 },
    });
  });

  test("has absolute paths in the terms of a sum, too", () => {
    expect(resolved(sum(fn, { kind: "adapter", path: "adapter" })).reward).toMatchObject({
      terms: [{ reward: { module: join(folder, "score.ts") } }, { reward: { path: join(folder, "adapter") } }],
    });
  });

  test("has one seed after --seed, but what a user's function is told is the user's", () => {
    const options = { seed: 3 };
    const { reward } = resolved(sum({ ...model, seed: 7 }, { ...fn, options }), { seed: 5 });
    const [trained, called] = rewardTerms(reward).map((term) => term.reward);
    expect(trained).not.toHaveProperty("seed");
    expect(called).toMatchObject({ options });
    expect(resolved({ ...model, seed: 7 }).reward).toMatchObject({ seed: 7 });
  });
});

describe("the terms of a reward", () => {
  test("are itself where it is no sum", () => {
    const { reward } = resolved(verifier);
    expect(rewardTerms(reward)).toEqual([{ key: "reward", weight: 1, reward }]);
    expect(rewardModelTerm(reward)).toBeNull();
  });

  test("are those of a sum, with their places", () => {
    const terms = rewardTerms(resolved(sum(fn, model, verifier)).reward);
    expect(terms.map(({ key, weight }) => [key, weight])).toEqual([
      ["reward.terms[0].reward", 1],
      ["reward.terms[1].reward", 2],
      ["reward.terms[2].reward", 3],
    ]);
    expect(rewardModelTerm(resolved(sum(fn, model)).reward)).toMatchObject({
      ...{ key: "reward.terms[1].reward", reward: { kind: "train" } },
    });
  });
});

describe("a sum is refused", () => {
  test.each<[string, object, RegExp]>([
    [
      "with two reward models",
      sum(model, fn, { kind: "adapter", path: "adapter" }),
      /reward\.terms\[2\]\.reward\.kind is "adapter", but reward\.terms\[0\]\.reward is a reward model already/,
    ],
    ["within a sum", sum(sum(fn)), /reward\.terms\[0\]\.reward\.kind is "sum": it must be one of "train", .*"http"/],
    ["of nothing", sum(), /reward\.terms is \[\]: it must be at least 1 entries/],
    ["without a weight", { kind: "sum", terms: [{ reward: fn }] }, /reward\.terms\[0\]\.weight is missing/],
    [
      "with an unknown key in a term",
      sum({ ...fn, exports: "x" }),
      /reward\.terms\[0\]\.reward\.exports is not a key of a recipe; did you mean reward\.terms\[0\]\.reward\.export\?/,
    ],
  ])("%s", (_what, reward, message) => expect(problem(reward)).toMatch(message));

  test("with an adapter where models are trained in full", () => {
    const changes = { model: { base: "base", shape: { kind: "full" } } };
    expect(problem(sum(fn, { kind: "adapter", path: "adapter" }), { changes })).toMatch(
      /reward\.terms\[1\]\.reward\.kind is "adapter", but model\.shape\.kind is "full"/,
    );
  });
});

describe("a file that a reward names", () => {
  test.each<[object, RegExp]>([
    [{ ...fn, module: "none.ts" }, /reward\.module: there is nothing at .*none\.ts; it must be a TypeScript or/],
    [sum(fn, { ...fn, module: "none.ts" }), /reward\.terms\[1\]\.reward\.module: there is nothing at/],
    [sum(fn, { kind: "folder", path: "none" }), /reward\.terms\[1\]\.reward\.path: .*Hugging Face/],
  ])("%j is missed", (reward, message) => expect(problem(reward)).toMatch(message));

  test("is on this machine, wherever the server is", () => {
    const changes = { server: { kind: "remote", address: "127.0.0.1:1" } };
    expect(problem({ ...fn, module: "none.ts" }, { changes })).toMatch(/reward\.module: there is nothing/);
  });
});

describe("the address of a verifier", () => {
  test.each(["https://verifier.example/score", "http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:80/x"])(
    "%s is taken",
    (url) => expect(resolved({ ...verifier, url }).reward).toMatchObject({ url }),
  );

  test("is plain http: elsewhere only if the recipe says so", () => {
    const url = "http://verifier.example:8000/score";
    expect(problem({ ...verifier, url })).toMatch(/reward\.url: is http: at verifier\.example, .*allowInsecure/);
    expect(resolved({ ...verifier, url, allowInsecure: true }).reward).toMatchObject({ url });
  });

  test.each<[string, RegExp]>([
    ["ftp://verifier.example", /reward\.url: begins with ftp:/],
    ["file:///etc/hosts", /reward\.url: begins with file:/],
    ["verifier", /reward\.url: is not a URL/],
    ["https://me:s3cret@verifier.example", /reward\.url: has credentials in it; .*tokenEnv/],
    ["https://s3cret@verifier.example", /reward\.url: has credentials in it/],
    ["me:s3cret@verifier.example", /reward\.url: begins with me:/],
  ])("%s is refused, and no secret repeated", (url, message) => {
    expect(problem({ ...verifier, url })).toMatch(message);
    expect(problem({ ...verifier, url })).not.toMatch(/s3cret/);
    expect(problem(sum(fn, { ...verifier, url }))).not.toMatch(/s3cret/);
  });

  test("has its token elsewhere", () => {
    expect(problem({ ...verifier, tokenEnv: "sk-s3cret" })).toMatch(/reward\.tokenEnv: must be the name of/);
    expect(problem({ ...verifier, tokenEnv: "sk-s3cret" })).not.toMatch(/s3cret/);
    expect(resolved({ ...verifier, tokenEnv: "VERIFIER_TOKEN" }).reward).toMatchObject({ tokenEnv: "VERIFIER_TOKEN" });
  });
});
