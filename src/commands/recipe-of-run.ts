import { join } from "node:path";
import { Option } from "commander";
import { parseSetting } from "../config/apply-settings.js";
import { resolveRecipe } from "../config/load-recipe.js";
import { isPlace } from "../config/places.js";
import { BadInputError } from "../errors.js";
import { mayDiffer } from "../run/recipe-differences.js";
import type { RunRecord } from "../run/run-files.js";
import { collect } from "./option-parsers.js";
import { type RegisteredRecipe, registeredRecipeSchema } from "./registry.js";

/** For commands that read a run: where its files are now, and how its server is reached. */
export const placeOption = (): Option =>
  new Option(
    "--set <path=value>",
    "where the run's base or another file of it is now, as model.base=FOLDER; can be repeated",
  ).argParser(collect);

/**
 * A run's own recipe, whose files may have been moved.
 * @param set `path=value`; paths in it are relative to `folder`
 * @throws BadInputError if something is not there, or a setting is of anything else
 */
export function recipeOfRun(
  directory: string,
  record: RunRecord,
  { set, folder }: { readonly set: readonly string[]; readonly folder: string },
): RegisteredRecipe {
  for (const setting of set) refuseOtherThanPlaces(setting);
  return resolveRecipe({ raw: record.recipe, name: join(directory, "recipe.json"), folder }, registeredRecipeSchema, {
    set,
  });
}

function refuseOtherThanPlaces(setting: string): void {
  if (saysWhere(setting)) return;
  throw new BadInputError(
    `--set ${setting}: for a run that is there, --set says where its files are (model.base, data.path) or how its server is ` +
      "reached (server.address). A run with another recipe is another run: drpo train RECIPE --set ...",
  );
}

/** True for a setting that changes no number of a run: where a file is, or how the server is reached. */
export function saysWhere(setting: string): boolean {
  const path = parseSetting(setting).path.join(".");
  return isPlace(path) || mayDiffer(path);
}
