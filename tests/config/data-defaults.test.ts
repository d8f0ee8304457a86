import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { registeredRecipeSchema } from "../../src/commands/registry.js";
import { resolveRecipe } from "../../src/config/load-recipe.js";
import { recipeJsonSchema } from "../../src/config/recipe-json-schema.js";
import { writeFakeBase } from "../fake-base.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-defaults-"));
  writeFakeBase(join(folder, "base"));
  await writeFile(join(folder, "data.jsonl"), "{}");
});
afterAll(() => rm(folder, { recursive: true }));

const optimizer = { learningRate: 0.01 };
const DATA = {
  pairs: { kind: "pairs", path: "data.jsonl" },
  rated: { kind: "rated", path: "data.jsonl", prompt: "?" },
} as const;
const PPO = { iterations: 4, optimizer, algorithm: { kind: "ppo", criticOptimizer: optimizer } };

const resolved = (data: keyof typeof DATA, changes: object = {}, set: readonly string[] = []) =>
  resolveRecipe(
    {
      raw: {
        ...{ name: "small", model: { base: "base" }, data: DATA[data], response: { maxTokens: 8 } },
        ...{ sft: { kind: "train", optimizer }, reward: { kind: "train", optimizer }, policy: PPO, evaluation: {} },
        ...changes,
      },
      ...{ name: "recipe.json", folder },
    },
    registeredRecipeSchema,
    { set },
  );

describe("what a recipe on pairs leaves open", () => {
  test("is SFT on preferred responses, and a reward model that sees many pairs a step", () => {
    expect(resolved("pairs")).toMatchObject({
      sft: { field: "preferred" },
      reward: { groupSize: 2, groupsPerBatch: 32 },
    });
  });

  test("is DPO on many pairs a step, and resets into references, which are the preferred responses where there are none", () => {
    expect(resolved("pairs", { policy: { kind: "dpo", optimizer } }).policy).toMatchObject({ batchSize: 64 });
    expect(resolved("pairs").policy).toMatchObject({ reset: { source: { field: "reference" } } });
  });

  test("is the same for the reward model of a sum, and for a judge's", () => {
    const trained = { kind: "train", optimizer };
    const recipe = resolved("pairs", {
      reward: { kind: "sum", terms: [{ weight: 2, reward: trained }] },
      evaluation: { judges: [{ kind: "lexicon" }, { kind: "rewardModel", reward: trained }] },
    });
    const batch = { groupSize: 2, groupsPerBatch: 32 };
    expect(recipe.reward).toMatchObject({ terms: [{ weight: 2, reward: batch }] });
    expect(recipe.evaluation.judges).toMatchObject([{ kind: "lexicon" }, { reward: batch }]);
  });

  test("stays as it is once resolved", () => {
    const recipe = resolved("pairs");
    expect(resolveRecipe({ raw: recipe, name: "recipe.json", folder: "/" }, registeredRecipeSchema)).toEqual(recipe);
  });
});

test("rated data has SFT on all responses, and one long ranked list a step", () => {
  expect(resolved("rated")).toMatchObject({ sft: { field: "any" }, reward: { groupSize: 16, groupsPerBatch: 1 } });
});

test("what is written stays, whatever the data, in the file and by --set", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("pairs" as const, "rated" as const),
      fc.record({ field: fc.constantFrom("reference", "preferred", "any") }, { requiredKeys: [] }),
      fc.record(
        { groupSize: fc.integer({ min: 2, max: 99 }), groupsPerBatch: fc.integer({ min: 1, max: 99 }) },
        { requiredKeys: [] },
      ),
      fc.boolean(),
      (data, sft, reward, bySetting) => {
        const written = { sft, reward };
        const set = Object.entries(written).flatMap(([section, options]) =>
          Object.entries(options).map(([key, value]) => `${section}.${key}=${value}`),
        );
        const sections = { sft: { kind: "train", optimizer, ...sft }, reward: { kind: "train", optimizer, ...reward } };
        expect(bySetting ? resolved(data, {}, set) : resolved(data, sections)).toMatchObject(written);
      },
    ),
  );
});

test("a threshold on ratings keeps all responses to choose from, and is refused beside another field", () => {
  expect(resolved("pairs", {}, ["sft.minRating=0"]).sft).toMatchObject({ field: "any", minRating: 0 });
  expect(() => resolved("pairs", {}, ["sft.minRating=0", "sft.field=preferred"])).toThrow(
    /sft\.minRating is 0 and sft\.field is "preferred".*set field to "any"/,
  );
});

test("sections of other kinds are left alone", () => {
  const changes = { sft: { kind: "base" }, reward: { kind: "folder", path: "base" } };
  expect(resolved("pairs", changes)).toMatchObject({
    sft: { kind: "base" },
    reward: { kind: "folder", normalise: true },
  });
});

test("the JSON Schema says in words what depends on the data, and promises no default of its own", () => {
  interface Section {
    readonly oneOf: readonly {
      readonly properties: Readonly<Record<string, { readonly const?: string; readonly description?: string }>>;
      readonly required: readonly string[];
    }[];
  }
  const schema = JSON.parse(JSON.stringify(recipeJsonSchema(registeredRecipeSchema))) as {
    readonly properties: Readonly<Record<"sft" | "reward", Section>>;
  };
  const trained = (section: "sft" | "reward") =>
    schema.properties[section].oneOf.find(({ properties }) => properties["kind"]?.const === "train")!;
  const { properties: sft, required } = trained("sft");
  const { properties: reward } = trained("reward");
  const options = [sft["field"]!, reward["groupSize"]!, reward["groupsPerBatch"]!];
  for (const option of options) {
    expect(option).not.toHaveProperty("default");
    expect(option.description).toMatch(/Left out: .* where data\.kind is "pairs"/);
  }
  expect(required).not.toContain("field");
});
