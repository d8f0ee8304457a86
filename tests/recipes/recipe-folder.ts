import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PYTHON } from "../commands/tiny-project.js";
import { drpoFolder, type DrpoFolder } from "../commands/drpo-folder.js";
import { ROOT } from "../commands/run-drpo.js";
import { writeFakeBase } from "../fake-base.js";

/** Recipes that reproduce the paper, without ".json". */
const names = readdirSync(join(ROOT, "recipes"))
  .filter((name) => name.endsWith(".json") && !name.startsWith("reviews"))
  .map((name) => name.slice(0, -".json".length));

export const TINY_RECIPES = names.filter((name) => name.endsWith("-tiny"));
export const FULL_RECIPES = names.filter((name) => !name.endsWith("-tiny"));

/** A copy of the recipes beside what they name: the paths of a recipe are relative to it. */
export interface RecipeFolder extends DrpoFolder {
  readonly path: string;
  /** Of a recipe by its name. */
  recipe(name: string): string;
}

function createFolder(): RecipeFolder {
  const path = mkdtempSync(join(tmpdir(), "drpo-recipes-"));
  cpSync(join(ROOT, "recipes"), join(path, "recipes"), { recursive: true });
  return { ...drpoFolder(path), path, recipe: (name) => join(path, "recipes", `${name}.json`) };
}

/** With the tiny models and rows that scripts/make-tiny-assets makes; needs Python. */
export function createTinyRecipeFolder(): RecipeFolder {
  const folder = createFolder();
  const args = ["--to", join(folder.path, "assets", "tiny")];
  const env = { ...process.env, DRPO_PYTHON: PYTHON };
  execFileSync(join(ROOT, "scripts", "make-tiny-assets"), args, { env, stdio: "ignore" });
  return folder;
}

const BASES = {
  data: ["pythia-160m-deduped", "pythia-1b-deduped", "pythia-2.8b-deduped", "pythia-6.9b-deduped"],
  "assets/tiny": ["gpt-neox-s", "gpt-neox-m", "gpt-neox-l"],
};

/** With the tiny rows in the place of the full data too, and folders that look like bases: enough to resolve a recipe. */
export function createResolvableRecipeFolder(): RecipeFolder {
  const folder = createFolder();
  for (const [place, bases] of Object.entries(BASES)) {
    execFileSync(process.execPath, [join(ROOT, "scripts", "make-tiny-data.js"), join(folder.path, place)]);
    for (const base of bases) {
      writeFakeBase(join(folder.path, place, base));
    }
  }
  const hh = join(folder.path, "data", "hh-rlhf");
  for (const name of ["helpful-online", "helpful-rejection-sampled"]) {
    cpSync(join(hh, "helpful-base"), join(hh, name), { recursive: true });
  }
  return folder;
}
