import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import { recipeSchema } from "../../src/config/recipe.js";
import { BadInputError } from "../../src/errors.js";
import { writeFakeBase } from "../fake-base.js";

const schema = recipeSchema({
  algorithm: z.strictObject({ kind: z.literal("only") }),
  judge: z.strictObject({ kind: z.literal("only") }),
  rewards: [],
  loggers: [z.strictObject({ kind: z.literal("only") })],
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-data-section-"));
  writeFakeBase(join(folder, "base"));
  await mkdir(join(folder, "shards"));
  await writeFile(join(folder, "a.jsonl"), "{}");
});
afterAll(() => rm(folder, { recursive: true }));

const optimizer = { learningRate: 0.01 };

const resolved = (data: object) =>
  resolveRecipe(
    {
      raw: {
        ...{ name: "small", model: { base: "base" }, response: { maxTokens: 8 }, sft: { kind: "base" } },
        ...{ reward: { kind: "train", optimizer }, evaluation: { judges: [{ kind: "only" }] } },
        policy: { iterations: 4, algorithm: { kind: "only" }, optimizer },
        data: { kind: "pairs", ...data },
      },
      ...{ name: "recipe.json", folder },
    },
    schema,
  ).data;

const problem = (data: object): string => {
  try {
    resolved(data);
  } catch (error) {
    expect(error).toBeInstanceOf(BadInputError);
    return (error as Error).message;
  }
  throw new Error("it was accepted");
};

describe("the data section of a resolved recipe", () => {
  test("has its defaults and absolute paths, of one file, of several and of references", () => {
    expect(resolved({ path: "a.jsonl" })).toEqual({
      ...{ kind: "pairs", path: join(folder, "a.jsonl"), layout: "auto", heldOutShare: 0.1 },
      ...{ splitBy: "prompt", unusableRows: "refuse", truncatePrompt: "refuse" },
      ...{ beginTokens: "auto", specialTokens: "text" },
    });
    expect(resolved({ path: ["a.jsonl", "shards"], references: { path: ["shards"] } })).toMatchObject({
      path: [join(folder, "a.jsonl"), join(folder, "shards")],
      references: { path: [join(folder, "shards")], layout: "auto" },
    });
  });

  test.each([
    [{ path: ["a.jsonl", "b.jsonl"] }, /data\.path: there is nothing at .*b\.jsonl; it must be a JSON or Parquet file/],
    [{ path: "a.jsonl", references: { path: "r" } }, /data\.references\.path: there is nothing at .*r; it must be/],
    [{}, /data\.path is missing: it must be a path, or a list of paths/],
    [{ path: 5 }, /data\.path is 5: it must be a path, or a list of paths/],
    [{ path: [] }, /data\.path is \[\]: it must be at least 1 entries/],
    [{ path: "a.jsonl", promptTemplate: "no field" }, /data\.promptTemplate: must name a field of the rows in braces/],
    [{ path: "a.jsonl", layout: "HH" }, /data\.layout is "HH": it must be one of "auto", "pairs", "messages", "hh"/],
    [{ path: "a.jsonl", references: { path: "a.jsonl", laoyut: "text" } }, /did you mean data\.references\.layout\?/],
    [{ path: "a.jsonl", maxPromptTokens: 0 }, /data\.maxPromptTokens is 0: it must be more than 0/],
  ])("%j is refused", (data, message) => {
    expect(problem(data)).toMatch(message);
  });
});
