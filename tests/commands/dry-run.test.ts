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
});
