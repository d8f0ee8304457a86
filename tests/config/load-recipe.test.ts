import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { loadRecipe, resolveRecipe, type RecipeOverrides } from "../../src/config/load-recipe.js";
import { recipeSchema } from "../../src/config/recipe.js";
import { BadInputError } from "../../src/errors.js";
import { writeFakeBase } from "../fake-base.js";

const schema = recipeSchema({
  algorithm: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("first"), epochs: z.number().int().default(2) }),
    z.strictObject({ kind: z.literal("second"), pairs: z.boolean().default(true) }),
  ]),
  judge: z.strictObject({ kind: z.literal("lexicon") }),
  rewards: [],
  loggers: [z.strictObject({ kind: z.literal("board"), directory: z.string().optional() })],
});

const optimizer = { learningRate: 0.01 };
const written = {
  name: "small",
  model: { base: "base" },
  data: { kind: "pairs", path: "pairs.jsonl" },
  response: { maxTokens: 8 },
  sft: { kind: "train", optimizer, seed: 7 },
  reward: { kind: "train", optimizer },
  policy: { iterations: 4, algorithm: { kind: "first" }, optimizer },
  evaluation: { judges: [{ kind: "lexicon" }] },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-recipe-"));
  writeFakeBase(join(folder, "base"));
  await writeFile(join(folder, "pairs.jsonl"), "{}");
});
afterAll(() => rm(folder, { recursive: true }));

const resolved = (changes: object = {}, overrides: RecipeOverrides = {}) =>
  resolveRecipe({ raw: { ...written, ...changes }, name: "recipe.json", folder }, schema, overrides);

const problem = (changes: object = {}, overrides: RecipeOverrides = {}): string => {
  try {
    resolved(changes, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(BadInputError);
    return (error as Error).message;
  }
  throw new Error("it was accepted");
};

describe("a resolved recipe", () => {
  test("is that of a run, from the recipe.json of the run, with another seed if one is given", async () => {
    const path = join(folder, "run-recipe.json");
    await writeFile(path, JSON.stringify({ runId: "r1", versions: {}, recipe: resolved() }));
    expect(await loadRecipe(path, schema)).toEqual(resolved());
    expect(await loadRecipe(path, schema, { seed: 5 })).toEqual({ ...resolved({}, { seed: 5 }) });
  });

  test("has every default, and absolute paths", () => {
    const recipe = resolved();
    expect(recipe).toMatchObject({
      ...{
        seed: 1,
        server: { kind: "local", port: 0 },
        model: { base: join(folder, "base"), shape: { kind: "lora", rank: 16 } },
      },
      ...{
        data: { path: join(folder, "pairs.jsonl") },
        policy: { reset: { proportion: 1 }, algorithm: { epochs: 2 } },
      },
    });
    expect(resolveRecipe({ raw: recipe, name: "recipe.json", folder: "/elsewhere" }, schema)).toEqual(recipe);
  });

  test("leaves names that a server knows, and interpreters on PATH, as they are", () => {
    const recipe = resolved({ server: { kind: "remote", address: "127.0.0.1:1" }, model: { base: "testbed:tiny" } });
    expect(recipe.model.base).toBe("testbed:tiny");
    expect(resolved({ server: { kind: "local", python: "python3" } }).server).toMatchObject({ python: "python3" });
  });

  test.each(["tldr:v2.jsonl", "hh:2024-01-01.jsonl", "testbed:data.jsonl"])(
    "a colon makes no scheme of a path: %s",
    async (name) => {
      const path = join(folder, name);
      await writeFile(path, "{}");
      const online = { iterations: 4, algorithm: { kind: "first" }, optimizer };
      const recipe = resolved({
        ...{ data: { kind: "pairs", path: name, references: { path: [name] } } },
        policy: { ...online, reset: { source: { kind: "pool", path: name }, selector: { kind: "whole" } } },
      });
      expect(recipe.data).toMatchObject({ path, references: { path: [path] } });
      expect(recipe.policy).toMatchObject({ reset: { source: { path } } });
      expect(resolved({}, { set: [`data.path=${name}`] }).data).toMatchObject({ path });
    },
  );

  test("a base's folder may have a colon, too, but is no address", () => {
    writeFakeBase(join(folder, "llama:v2"));
    expect(resolved({ model: { base: "llama:v2" } }).model.base).toBe(join(folder, "llama:v2"));
    for (const base of ["hf:org/name", "https://host/model", "s3://bucket/model", "gs:bucket", "file:///model"])
      expect(problem({ model: { base } })).toMatch(/model\.base: only folders are read: download the model/);
    expect(problem({ data: { kind: "pairs", path: "https://host/data.jsonl" } })).toMatch(
      /data\.path: there is nothing at .*Addresses are not read: download the file/,
    );
  });

  test("has one seed for everything after --seed, and stage seeds otherwise", () => {
    expect(resolved()).toMatchObject({ seed: 1, sft: { seed: 7 } });
    const seeded = resolved({}, { seed: 5 });
    expect(seeded.seed).toBe(5);
    expect(seeded.sft).not.toHaveProperty("seed");
    expect(resolved({}, { seed: 5, set: ["sft.seed=3"] })).toMatchObject({ seed: 5, sft: { seed: 3 } });
  });
});

describe("--set", () => {
  const after = (...set: string[]) => resolved({}, { set });

  test("takes JSON where it is JSON, and text elsewhere, the last one last", () => {
    expect(after("policy.reset.proportion=0.5").policy).toMatchObject({ reset: { proportion: 0.5 } });
    expect(after("name=other").name).toBe("other");
    expect(after('model.shape.targetModules=["q_proj"]').model.shape).toMatchObject({ targetModules: ["q_proj"] });
    expect(after("policy.missingEosScore=null").policy).toMatchObject({ missingEosScore: null });
    expect(after("seed=2", "seed=3").seed).toBe(3);
    expect(after('sft={"kind":"base"}').sft).toEqual({ kind: "base" });
  });

  test("reaches into a section that the recipe leaves out", () => {
    expect(after("server.port=4000").server).toMatchObject({ kind: "local", port: 4000 });
    expect(after("policy.validation.every=2").policy.validation).toEqual({ every: 2, rollouts: 64 });
  });

  test("reaches into an entry of a list, counted from 0", () => {
    const { model } = resolved(
      { model: { base: "base", shape: { kind: "lora", rank: 2, alpha: 4, targetModules: ["q_proj", "v_proj"] } } },
      { set: ["model.shape.targetModules.1=k_proj"] },
    );
    expect(model.shape).toMatchObject({ targetModules: ["q_proj", "k_proj"] });
  });

  test("keeps an equals sign of the value", () => {
    const recipe = resolved(
      { data: { kind: "rated", path: "pairs.jsonl", prompt: "x" } },
      { set: ["data.prompt=a=b"] },
    );
    expect(recipe.data).toMatchObject({ prompt: "a=b" });
  });

  test.each([
    ["policy.rest.proportion=0", /policy\.rest is not a key of a recipe; did you mean policy\.reset\?/],
    ["server.prot=1", /did you mean server\.port\?/],
    ["policy.algorithm.pairs=true", /policy\.algorithm\.pairs is not a key.*policy\.algorithm are kind, epochs/],
    ["seed.x=1", /seed has no keys of its own/],
    ["policy.=1", /expected path=value/],
    ["evaluation.judges.1.kind=lexicon", /evaluation\.judges is a list of 1 here, counted from 0; it has no entry 1/],
    ["evaluation.judges.0.knd=lexicon", /did you mean .*kind\?|knd is not a key/],
    ["policy.klCoef=-1", /policy\.klCoef is -1: it must be at least 0/],
  ])("%s is refused", (setting, message) => {
    expect(problem({}, { set: [setting] })).toMatch(message);
  });
});

describe("an unknown key", () => {
  test.each([
    [{ polcy: {} }, /polcy is not a key of a recipe; did you mean policy\?/],
    [{ sft: { kind: "train", optimiser: optimizer, optimizer } }, /sft\.optimiser .*did you mean sft\.optimizer\?/],
    [{ policy: { ...written.policy, learningRate: 1 } }, /did you mean policy\.optimizer\.learningRate\?/],
    [{ policy: { ...written.policy, KLCOEF: 1 } }, /did you mean policy\.klCoef\?/],
    [{ sft: { kind: "base", epochs: 1 } }, /sft\.epochs is not a key of a recipe; the keys of sft are kind/],
    [{ model: { base: "base", shape: { kind: "lora", ranks: 1 } } }, /did you mean model\.shape\.rank\?/],
  ])("in %j is named with the one that was meant", (changes, message) => {
    expect(problem(changes)).toMatch(message);
  });
});

describe("a wrong value", () => {
  test.each([
    [{ name: "A b" }, /name: must be lower-case letters.*it is "A b"/],
    [{ seed: 1.5 }, /seed is 1\.5: it must be a whole number/],
    [
      { policy: { ...written.policy, algorithm: { kind: "third" } } },
      /algorithm\.kind is "third": it must be one of "first", "second"/,
    ],
    [{ server: { kind: "local", dtype: "half" } }, /server\.dtype is "half": it must be one of "float32"/],
    [{ server: 5 }, /server is 5: it must be an object/],
    [{ response: {} }, /response\.maxTokens is missing: it must be a number/],
    [{ model: { base: "" } }, /model\.base is "": it must be at least 1 characters/],
    [
      { reward: { kind: "train", optimizer, template: "{prompt}" } },
      /reward\.template: must contain {response} exactly once/,
    ],
  ])("in %j is named with what is right", (changes, message) => {
    expect(problem(changes)).toMatch(message);
  });
});

describe("options that do not go together", () => {
  test.each([
    [{ policy: { ...written.policy, checkpointEvery: 5 } }, /checkpointEvery is 5 and policy\.iterations is 4/],
    [
      { model: { base: "base", shape: { kind: "full" } }, sft: { kind: "adapter", path: "base" } },
      /sft\.kind is "adapter"/,
    ],
  ])("in %j are named", (changes, message) => {
    expect(problem(changes)).toMatch(message);
  });
});
