import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { DataOptions } from "../config/data.js";
import type { PreferenceDataset } from "../domain/preference-dataset.js";
import { BadInputError } from "../errors.js";
import { parseJsonLines } from "./json-lines.js";
import { pairGroups } from "./pair-groups.js";
import { ratedGroups } from "./rated-groups.js";

/** Changed when the same file and options come to mean another dataset. */
const READER_VERSION = 1;

/**
 * Reads human preferences and splits them into train and held-out, by a hash of each row's id: added rows move none of
 * those that were there.
 * @param options `path` is absolute
 * @throws BadInputError naming file and line: no such file, not JSON, no rows, a row without what its kind needs, an id
 * that occurs twice, or a side of the split without a preference
 */
export async function readPreferenceDataset(options: DataOptions): Promise<PreferenceDataset> {
  const content = await readContent(options.path);
  const rows = parseJsonLines(options.path, content);
  if (rows.length === 0) {
    const example = options.kind === "rated" ? "{id, text, rating}" : "{prompt, preferred, rejected}";
    throw new BadInputError(`${options.path} has no rows: data of kind "${options.kind}" needs one ${example} a line.`);
  }
  const split = options.kind === "rated" ? ratedGroups(rows, options) : pairGroups(rows, options);
  return { ...split, hash: hashOf(content, options) };
}

async function readContent(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const advice = isMissing ? "there is no such file; check data.path, or run scripts/fetch-assets" : String(error);
    throw new BadInputError(`The data ${path} cannot be read: ${advice}.`, { cause: error });
  }
}

/** Of what the dataset depends on: not the path, so that a moved file is the same data. */
function hashOf(content: Buffer, options: DataOptions): string {
  const { kind, heldOutShare } = options;
  const prompt = options.kind === "rated" ? options.prompt : null;
  const file = createHash("sha256").update(content).digest("hex");
  return createHash("sha256")
    .update(JSON.stringify([READER_VERSION, kind, prompt, heldOutShare, file]))
    .digest("hex");
}
