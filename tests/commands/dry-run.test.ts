import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Recipe } from "../../src/config/recipe.js";
import { createTinyProject, type TinyProject } from "./tiny-project.js";

interface Plan {
  readonly runDirectory: string;
  readonly data: { readonly train: { readonly responses: number }; readonly heldOut: { readonly responses: number } };
  readonly policy: { readonly rollouts: number; readonly validations: number };
  readonly recipe: Recipe;
}

describe("drpo train --dry-run", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject();
  });
  afterAll(() => project.remove());

  const plan = async (...args: string[]): Promise<Plan> => {
    const { stdout, stderr, exitCode } = await project.drpo(["train", "recipe.json", "--dry-run", "--json", ...args]);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    return JSON.parse(stdout) as Plan;
  };

  test("resolves the recipe and starts nothing", async () => {
    const { runDirectory, data, policy, recipe } = await plan();
    expect(runDirectory).toBe(join(project.folder, "runs", "tiny-seed1"));
    expect(data.train.responses + data.heldOut.responses).toBe(60);
    expect(policy).toEqual({ rollouts: 32, validations: 2 });
    expect(recipe).toMatchObject({ seed: 1, policy: { reset: { proportion: 1 } }, server: { port: 0 } });
    expect(existsSync(join(project.folder, "runs"))).toBe(false);
    expect(existsSync(join(project.folder, "cache"))).toBe(false);
  });

  test("shows what --seed, --set and --run-dir make of it", async () => {
    const { runDirectory, recipe } = await plan("--seed", "3", "--set", "policy.reset.proportion=0");
    expect(runDirectory).toBe(join(project.folder, "runs", "tiny-seed3-policy.reset.proportion-0"));
    expect(recipe).toMatchObject({ seed: 3, policy: { reset: { proportion: 0 } } });
    expect((await plan("--run-dir", "elsewhere")).runDirectory).toBe(join(project.folder, "elsewhere"));
  });

  test("says it in words too", async () => {
    const { stdout } = await project.drpo(["train", "recipe.json", "--dry-run", "--set", "policy.reset.proportion=0"]);
    expect(stdout).toMatch(/^run directory +runs\/tiny-seed1-policy\.reset\.proportion-0\n/);
    expect(stdout).toMatch(/policy +ppo, no resets: 4 iterations of 8 rollouts/);
  });

  test("counts distinct prompts, and those that are on both sides or in the training data too", async () => {
    const rows = Array.from({ length: 80 }, (_, i) => ({
      ...{ id: i, prompt: `P${i % 20}`, chosen: `good ${i}`, rejected: `bad ${i}` },
    }));
    await project.writeData(rows);
    const data = { kind: "pairs", path: "data.jsonl", heldOutShare: 0.3 };
    const dryRun = async (...args: string[]) => {
      const { stdout } = await project.drpo(["train", "recipe.json", "--dry-run", ...args]);
      return stdout;
    };
    const recipe = { data, sft: { kind: "base" }, policy: undefined, evaluation: { data: { ...data, splitBy: "id" } } };
    await project.writeRecipe({ ...recipe, policy: { kind: "dpo", optimizer: { learningRate: 0.01 } } });
    const byPrompt = await dryRun();
    expect(byPrompt).toMatch(
      /data +\d+ responses to \d+ prompts; held out: \d+ responses to \d+ prompts; 20 prompts in all\n/,
    );
    expect(byPrompt).toMatch(/evaluation\.data: \d+ of \d+ prompts are also in the training data/);
    const byId = await dryRun("--set", "data.splitBy=id");
    expect(byId).toMatch(/; 20 prompts in all, \d+ of them on both sides \(data\.splitBy\)/);
    const { data: sizes } = JSON.parse(await dryRun("--json")) as {
      data: { promptsOnBothSides: number; prompts: number };
    };
    expect(sizes).toMatchObject({ promptsOnBothSides: 0, prompts: 20 });
  });

  test("refuses a recipe whose texts are not Unicode", async () => {
    await project.writeRecipe({ data: { kind: "rated", path: "data.jsonl", prompt: "w1 \ud83d" } });
    const { stderr, exitCode } = await project.drpo(["train", "recipe.json", "--dry-run"]);
    expect(stderr).toMatch(/recipe\.json: data\.prompt is not Unicode text/);
    expect(exitCode).toBe(2);
  });
});
