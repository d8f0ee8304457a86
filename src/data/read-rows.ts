import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pathsOf } from "../config/data.js";
import { BadInputError } from "../errors.js";
import type { DataRow } from "./data-row.js";
import { cannotRead, listDataFiles } from "./list-data-files.js";
import { parseDataFile } from "./parse-data-file.js";

/** The rows of all files of a dataset, in order. */
export interface DataFiles {
  readonly rows: readonly DataRow[];
  /** SHA-256 (hexadecimal) of each file. */
  readonly hashes: readonly string[];
}

/**
 * Reads a dataset's files.
 * @param key of the recipe, for messages
 * @param path absolute: a file, a folder of shards, or several of them
 * @param example of a row, for the message when there is none
 * @throws BadInputError naming the file, and the line where it is one
 */
export async function readRows(key: string, path: string | readonly string[], example: string): Promise<DataFiles> {
  const rows: (readonly DataRow[])[] = [];
  const hashes: string[] = [];
  for (const file of await listDataFiles(key, path)) {
    const content = await readFile(file).catch((error: unknown) => {
      throw cannotRead(key, file, error);
    });
    hashes.push(createHash("sha256").update(content).digest("hex"));
    rows.push(await parseDataFile(file, content));
  }
  const all = rows.flat();
  if (all.length === 0)
    throw new BadInputError(`${pathsOf(path).join(", ")} has no rows: ${key} needs ${example} rows.`);
  return { rows: all, hashes };
}
