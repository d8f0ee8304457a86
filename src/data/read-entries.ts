import type { DataOptions } from "../config/data.js";
import { BadInputError } from "../errors.js";
import { hasField, rememberPlaces, UnusableRowError, type DataRow } from "./data-row.js";
import type { Entry } from "./split-train-held-out.js";
import { refuseNonUnicode } from "./unicode-text.js";

/**
 * Reads every row, with ids that occur once and texts that are Unicode.
 * @param unusableRows whether a row that holds nothing to learn from is refused, or left out and counted
 * @throws BadInputError naming the row
 */
export function readEntries<Read extends Entry<unknown>>(
  rows: readonly DataRow[],
  unusableRows: DataOptions["unusableRows"],
  read: (row: DataRow) => Read,
): { readonly entries: readonly Read[]; readonly skippedRows: number } {
  const placeBefore = rememberPlaces();
  const entries: Read[] = [];
  let lastSkipped: UnusableRowError | undefined;
  for (const row of rows) {
    try {
      const entry = refuseNonUnicode(read(row), row);
      const before = placeBefore(entry.id, row.where);
      if (before !== undefined) throw repeated(entry.id, row, before);
      entries.push(entry);
    } catch (cause) {
      if (!(cause instanceof UnusableRowError)) throw cause;
      if (unusableRows === "refuse") {
        throw new BadInputError(`${cause.message} Or set data.unusableRows to "skip".`, { cause });
      }
      lastSkipped = cause;
    }
  }
  if (entries.length === 0 && lastSkipped) {
    throw new BadInputError(`None of ${rows.length} rows can be used. The last: ${lastSkipped.message}`);
  }
  return { entries, skippedRows: rows.length - entries.length };
}

/** An id that two rows name is a mistake in the data; a row that says the same as another is only one too many. */
const repeated = (id: string, row: DataRow, before: string): BadInputError =>
  hasField(row, "id")
    ? new BadInputError(`${row.where}: the id "${id}" is that of ${before} too; give each row an id of its own.`)
    : new UnusableRowError(row.where, `the row repeats ${before}`);
