import { isAbsolute, resolve } from "node:path";
import type { RegisteredJudge } from "./evaluation.js";
import { mapPlaces } from "./places.js";
import type { Recipe } from "./recipe.js";

/** "testbed:tiny" is a base that a server knows by name, not a path. */
const isNamedBase = (base: string): boolean => base.startsWith("testbed:");

/** Makes a path absolute. @param folder that it is relative to */
export const absolutePaths =
  (folder: string) =>
  (path: string): string =>
    isAbsolute(path) ? path : resolve(folder, path);

/** A bare name is looked up on PATH. */
const isBareCommand = (file: string, path: string): boolean => path.endsWith(".python") && !file.includes("/");

/** Paths of a recipe are relative to its folder; here they become absolute, so that a run directory says it all. */
export function resolvePaths<R extends Recipe>(recipe: R, folder: string): R {
  const absolute = absolutePaths(folder);
  return mapPlaces(recipe, (file, path) =>
    isBareCommand(file, path) || (path === "model.base" && isNamedBase(file)) ? file : absolute(file),
  );
}

/** Options of a judge whose template, or whose reward model, is named by an absolute path. */
export function withAbsoluteJudge<Judge extends RegisteredJudge>(
  judge: Judge,
  absolute: (path: string) => string,
): Judge {
  return mapPlaces({ evaluation: { judges: [judge] } }, absolute).evaluation.judges[0]!;
}
