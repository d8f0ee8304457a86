import { pathsOf, type RatedOptions } from "../config/data.js";
import type { PreferenceGroup, RatedResponse } from "../domain/preference-dataset.js";
import { BadInputError } from "../errors.js";
import { idField, textField, UnusableRowError, type DataRow } from "./data-row.js";
import type { Groups } from "./groups.js";
import { readEntries } from "./read-entries.js";
import { splitTrainHeldOut, type Entry } from "./split-train-held-out.js";

/** All rows as responses to options.prompt: one group on each side of the split. @throws BadInputError */
export function ratedGroups(rows: readonly DataRow[], options: RatedOptions): Groups {
  const { entries, skippedRows } = readEntries(rows, options.unusableRows, ratedEntry);
  const split = splitTrainHeldOut(entries, options);
  const total = split.train.length + split.heldOut.length;
  const group = (name: "training" | "held-out", responses: readonly RatedResponse[]): PreferenceGroup => {
    refuseNoPreference(name, responses, total, options);
    return { id: "rated", prompt: options.prompt, responses, reference: null };
  };
  return {
    train: [group("training", split.train)],
    heldOut: [group("held-out", split.heldOut)],
    skippedRows,
    idsDecide: false,
  };
}

function ratedEntry(row: DataRow): Entry<RatedResponse> {
  const id = idField(row);
  if (id === null) throw new BadInputError(`${row.where}: the row has no "id"; the train / held-out split needs one.`);
  const { rating } = row.fields;
  // JSON spells infinity as 1e999, and Parquet has NaN.
  if (typeof rating === "number" && !Number.isFinite(rating)) {
    throw new UnusableRowError(row.where, `"rating" is ${rating}, not a finite number`);
  }
  if (typeof rating !== "number") {
    throw new BadInputError(`${row.where}: "rating" is ${JSON.stringify(rating) ?? "missing"}, not a finite number.`);
  }
  return { id, splitKey: id, value: { id, text: textField(row, "text"), rating, where: row.where } };
}

function refuseNoPreference(
  name: "training" | "held-out",
  side: readonly RatedResponse[],
  total: number,
  options: RatedOptions,
): void {
  if (new Set(side.map(({ rating }) => rating)).size > 1) return;
  throw new BadInputError(
    `${pathsOf(options.path).join(", ")}: of ${total} rows, ${side.length} fall on the ${name} side, and no two of them have different ` +
      `ratings, so that side holds no preference. ${name === "held-out" ? "Raise" : "Lower"} data.heldOutShare ` +
      `(${options.heldOutShare}), or add rows.`,
  );
}
