import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds scripts/ and recipes/: a checkout, or where npm put the package. */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * A script or a recipe of this package, as it can be typed where the user is: "./scripts/setup" in a checkout,
 * "./node_modules/drpo/scripts/setup" in a project that has the package, the whole path elsewhere.
 */
export function packagedFile(path: string, cwd = process.cwd()): string {
  const file = join(ROOT, path);
  const fromHere = relative(cwd, file);
  return quoted(fromHere.startsWith("..") ? file : `./${fromHere}`);
}

/** Scripts for developers are in a checkout alone. */
export const isPackaged = (path: string): boolean => existsSync(join(ROOT, path));

/** As a shell reads it as one word. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
