import { createHash } from "node:crypto";
import type { DataOptions } from "../config/data.js";
import type { PreferenceDataset } from "../domain/preference-dataset.js";
import { pairGroups } from "./pair-groups.js";
import { ratedGroups } from "./rated-groups.js";
import { readRows } from "./read-rows.js";
import { referenceGroups } from "./reference-groups.js";

/** Changed when the same files and options come to mean another dataset. */
const READER_VERSION = 3;

/**
 * Reads human preferences, and references where they are a dataset of their own, and splits them into train and held-out,
 * by a hash of each row's prompt or id: added rows move none of those that were there.
 * @param options paths are absolute
 * @throws BadInputError naming file and line or row: no such file, not of its format, no rows, a row without what its
 * layout needs, an id that occurs twice, or a side of the split without a preference
 */
export async function readPreferenceDataset(options: DataOptions): Promise<PreferenceDataset> {
  const { references } = options;
  const example = options.kind === "rated" ? "{id, text, rating}" : "{prompt, preferred, rejected}";
  const files = await readRows("data.path", options.path, example);
  const referenceFiles = references && (await readRows("data.references.path", references.path, "{prompt, reference}"));
  const parts = [options.kind === "rated" ? ratedGroups(files.rows, options) : pairGroups(files.rows, options)];
  if (references) parts.push(referenceGroups(referenceFiles!.rows, references, options));
  return {
    train: parts.flatMap(({ train }) => train),
    heldOut: parts.flatMap(({ heldOut }) => heldOut),
    skippedRows: parts.reduce((sum, { skippedRows }) => sum + skippedRows, 0),
    hash: hashOf(options, [files.hashes, referenceFiles?.hashes ?? []], {
      idsDecide: parts.some(({ idsDecide }) => idsDecide),
    }),
  };
}

/**
 * Of all that the dataset depends on: not the paths, so that moved files are the same data. `splitBy` is part of it only
 * where it makes a difference: runs and caches from before there was a choice, when ids decided, stay what they were.
 */
function hashOf(
  { splitBy, ...options }: DataOptions,
  files: readonly (readonly string[])[],
  { idsDecide }: { readonly idsDecide: boolean },
): string {
  const { references } = options;
  const read = {
    ...options,
    path: null,
    references: references ? { ...references, path: null } : null,
    splitBy: splitBy === "prompt" && idsDecide ? splitBy : undefined,
  };
  return createHash("sha256")
    .update(JSON.stringify([READER_VERSION, sorted(read), files]))
    .digest("hex");
}

/** With its keys in order, so that equal options have equal text. */
const sorted = (value: object): object =>
  Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]: [string, unknown]) => [
        key,
        inner !== null && typeof inner === "object" ? sorted(inner) : inner,
      ])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ) as object;
