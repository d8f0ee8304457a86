import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { planSweep } from "../../src/commands/plan-sweep.js";
import { loadSweep } from "../../src/config/load-sweep.js";
import { ROOT } from "../commands/run-drpo.js";
import { createResolvableRecipeFolder, type RecipeFolder } from "./recipe-folder.js";

let folder: RecipeFolder;
beforeAll(() => {
  folder = createResolvableRecipeFolder();
});
afterAll(() => folder.remove());

/** As `drpo sweep --dry-run` finds them; a few rows want a larger held-out share. */
async function plan(name: string) {
  const path = folder.recipe(`sweeps/${name}`);
  const sweep = await loadSweep(path);
  const set = { ...sweep.set, "data.heldOutShare": 0.25 };
  return planSweep(
    { path, sweep: { ...sweep, set }, directory: join(folder.path, "runs", name) },
    {
      cwd: folder.path,
      environment: { OPENAI_API_KEY: "none" },
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
    },
  );
}

test("there is one for each table and figure of the paper that is more than a few runs", () => {
  expect(readdirSync(join(ROOT, "recipes/sweeps"))).toEqual(
    expect.arrayContaining([
      ...["hh-figure-3.json", "tldr-pythia-2.8b-ablation.json", "tldr-pythia-2.8b-table-1.json"],
    ]),
  );
});

test.each([
  ["tldr-pythia-2.8b-table-1", ["dpo", "ppo", "drpo"], 1],
  ["tldr-pythia-2.8b-ablation", [0, 0.25, 0.5, 0.75, 1].map((proportion) => `proportion=${proportion}`), 1],
  ["hh-figure-3", ["125m", "1b", "6.9b"].flatMap((size) => [`ppo-${size}`, `drpo-${size}`]), 3],
] as const)(
  "%s resolves: each configuration with three seeds, SFT and reward model once a base",
  async (name, configurations, bases) => {
    const runs = await plan(name);
    expect(runs.map((run) => run.name)).toEqual(
      [1, 2, 3].flatMap((seed) => configurations.map((configuration) => `${configuration}-seed${seed}`)),
    );
    expect(runs.map(({ seed }) => seed)).toEqual([1, 2, 3].flatMap((seed) => configurations.map(() => seed)));
    expect(new Set(runs.map(({ recipeHash }) => recipeHash)).size).toBe(runs.length);
    expect(new Set(runs.map(({ sharedStages }) => sharedStages)).size).toBe(bases);
  },
);
