import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathsOf } from "../config/data.js";
import { BadInputError } from "../errors.js";

/** What counts as data in a folder; published JSONL is often called .json. A file that is named is read whatever its name. */
const DATA_FILE = /^[^.].*\.(parquet|(jsonl|json|ndjson)(\.gz)?)$/;

/**
 * The files of a dataset in order: those named, and those in folders that are named, by name.
 * @param key of the recipe, for messages
 * @throws BadInputError if something is not there, or a folder holds no data
 */
export async function listDataFiles(key: string, path: string | readonly string[]): Promise<readonly string[]> {
  const files: (readonly string[])[] = [];
  for (const one of pathsOf(path)) files.push(await filesAt(key, one));
  return files.flat();
}

async function filesAt(key: string, path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => DATA_FILE.test(name)).sort();
    if (names.length > 0) return names.map((name) => join(path, name));
  } catch (error) {
    throw cannotRead(key, path, error);
  }
  throw new BadInputError(
    `${key}: the folder ${path} holds no data file (.jsonl, .jsonl.gz or .parquet); name the files or their own folder.`,
  );
}

/** @param error of the file system */
export function cannotRead(key: string, path: string, error: unknown): BadInputError {
  const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
  const advice = isMissing ? `there is no such file; check ${key}` : String(error);
  return new BadInputError(`The data ${path} cannot be read: ${advice}.`, { cause: error });
}
