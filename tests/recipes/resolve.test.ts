import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { planTraining, type TrainingPlan } from "../../src/commands/plan-training.js";
import { createResolvableRecipeFolder, FULL_RECIPES, TINY_RECIPES, type RecipeFolder } from "./recipe-folder.js";

let folder: RecipeFolder;
beforeAll(() => {
  folder = createResolvableRecipeFolder();
});
afterAll(() => folder.remove());

/** What the judge of the full recipes needs. */
const environment = { OPENAI_API_KEY: "none" };

/** What `drpo train NAME --dry-run` finds: options, conflicts, files and rows. A few rows want a larger held-out share. */
const plan = (name: string, ...set: string[]): Promise<TrainingPlan> =>
  planTraining(folder.recipe(name), { set: ["data.heldOutShare=0.25", ...set] }, { cwd: folder.path, environment });
const planOf = (name: string): Promise<TrainingPlan> =>
  name.startsWith("cnn-dm") && !/-sft(-tiny)?$/.test(name)
    ? plan(name, "evaluation.data.heldOutShare=0.25")
    : plan(name);

/** Sizes and places: what a tiny twin may have otherwise. Every other option is its full recipe's. */
const SIZES: readonly RegExp[] = [
  /^name$/,
  /^server\.(device|dtype|threads|tokenBudget)$/,
  /^model\.(base|shape\.rank|shape\.alpha)$/,
  /^(evaluation\.)?data\.(path|references\.path|heldOutShare|maxPromptTokens)$/,
  /^response\.maxTokens$/,
  /[oO]ptimizer\.learningRate$/,
  /^sft\.batchSize$/,
  /^reward\.groupsPerBatch$/,
  /^policy\.(iterations|rolloutsPerIteration|batchSize|checkpointEvery|validation\.every|validation\.rollouts)$/,
  /^evaluation\.(rollouts|heldOutResponses|bootstrapResamples)$/,
  // Twins need no network: theirs is the lexicon.
  /^evaluation\.judges$/,
];

/** Each option by its path, a list as one; of sizes and places only that they are there. */
function shapeOf(value: unknown, path = ""): Readonly<Record<string, unknown>> {
  if (SIZES.some((size) => size.test(path))) return { [path]: "any size" };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { [path]: value };
  const inner = Object.entries(value).map(([key, one]) => shapeOf(one, path === "" ? key : `${path}.${key}`));
  return Object.assign({}, ...inner) as Record<string, unknown>;
}

test("each full recipe has a tiny twin, and each twin a full recipe", () => {
  expect(FULL_RECIPES.length).toBeGreaterThan(0);
  expect(TINY_RECIPES).toEqual(FULL_RECIPES.map((name) => `${name}-tiny`).sort());
});

describe.each(FULL_RECIPES)("%s", (name) => {
  test("resolves, and finds something to learn from and to evaluate on", async () => {
    const { recipe, dataset, evaluationDataset } = await planOf(name);
    expect(recipe.name).toBe(name);
    expect(dataset.train.filter(({ responses }) => responses.length === 2)).not.toEqual([]);
    expect(dataset.skippedRows).toBe(name.startsWith("hh") ? 72 : 0);
    const { heldOut } = evaluationDataset ?? dataset;
    expect(heldOut.some(({ reference }) => reference !== null)).toBe(!name.startsWith("hh"));
  });

  test("has the same shape as its twin", async () => {
    const [full, tiny] = [(await planOf(name)).recipe, (await planOf(`${name}-tiny`)).recipe];
    expect(tiny.name).toBe(`${name}-tiny`);
    expect(shapeOf(tiny)).toEqual(shapeOf(full));
    for (const { shape } of [full.model, tiny.model]) {
      expect(shape).toMatchObject(shape.kind === "lora" ? { alpha: 2 * shape.rank } : { kind: "lora" });
    }
  });
});

describe("the numbers of the paper's Table 5", () => {
  const optimizer = { learningRate: 3e-6 };
  const linear = { ...optimizer, decay: "linear" };

  test.each(FULL_RECIPES.filter((name) => /^(tldr|cnn-dm)/.test(name)))("are those of %s", async (name) => {
    const { recipe } = await planOf(name);
    expect(recipe).toMatchObject({
      model: { shape: { kind: "lora", rank: 1024, alpha: 2048 } },
      data: { maxPromptTokens: 512, truncatePrompt: "left" },
      response: { maxTokens: 53 },
      sft: { epochs: 1, batchSize: 64, optimizer },
      reward: { epochs: 1, groupSize: 2, groupsPerBatch: 64, optimizer },
      evaluation: {
        rollouts: 600,
        temperature: 0.1,
        judges: [{ kind: "openai", task: "summary" }],
        against: ["reference"],
      },
    });
    const algorithm = {
      ...{ kind: "ppo", epochs: 4, minibatches: 1, clipRange: 0.2, valueCoef: 0.1, gamma: 1, gaeLambda: 0.95 },
      criticOptimizer: linear,
    };
    expect(recipe.policy).toMatchObject(
      recipe.policy.kind === "dpo"
        ? { beta: 0.05, epochs: 1, batchSize: 64, optimizer }
        : { rolloutsPerIteration: 512, klCoef: 0.05, optimizer: linear, algorithm },
    );
  });

  test("come with the released code's where the recipe says so, and with its prompt", async () => {
    const { recipe, dataset } = await planOf("tldr-pythia-2.8b-drpo-2024");
    expect(recipe.policy).toMatchObject({ compat: "drpo-2024", sampling: { temperature: 0.7 }, missingEosScore: -1 });
    for (const { prompt, reference } of dataset.train) {
      expect(prompt).toMatch(/TL;DR:$/);
      if (reference) expect(reference.text).toMatch(/^ \S/);
    }
  });

  test("come with the proportions of Table 2 by --set", async () => {
    for (const proportion of [0, 0.25, 0.5, 0.75, 1]) {
      const { recipe } = await plan("tldr-pythia-2.8b-ablation", `policy.reset.proportion=${proportion}`);
      expect(recipe.policy).toMatchObject({ reset: { proportion } });
    }
  });
});

describe("the judge of the paper", () => {
  const withoutKey = (...set: string[]) =>
    planTraining(
      folder.recipe("tldr-pythia-2.8b-drpo"),
      { set: ["data.heldOutShare=0.25", ...set] },
      { cwd: folder.path, environment: {} },
    );

  test("has its key looked for before anything is trained", async () => {
    await expect(withoutKey()).rejects.toThrow(
      /evaluation\.judges\[0\]: the judge gpt-4 at api\.openai\.com needs a key.*OPENAI_API_KEY is not set.*evaluation\.judges=\[{"kind":"lexicon"}\]/,
    );
  });

  test("gives way to another one by --set, as the message says, and a model of one's own to its endpoint", async () => {
    expect((await withoutKey('evaluation.judges=[{"kind":"lexicon"}]')).judges.map(({ name }) => name)).toEqual([
      "lexicon (VADER compound score)",
    ]);
    const local = ["evaluation.judges.0.model=llama", "evaluation.judges.0.baseUrl=http://localhost:8000/v1"];
    expect((await withoutKey(...local)).judges.map(({ name }) => name)).toEqual(["llama"]);
  });
});
