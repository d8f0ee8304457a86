import { pathsOf, type RatedOptions } from "../config/data.js";
import type { PreferenceGroup, RatedResponse } from "../domain/preference-dataset.js";
import { BadInputError } from "../errors.js";
import {
  idField,
  kindOf,
  refuseEmpty,
  requiredField,
  shownValue,
  textField,
  UnusableRowError,
  valueOf,
  type DataRow,
} from "./data-row.js";
import type { Groups } from "./groups.js";
import { readEntries } from "./read-entries.js";
import { splitTrainHeldOut, type Entry } from "./split-train-held-out.js";
import { exactNumber } from "./written-number.js";

/** All rows as responses to options.prompt: one group on each side of the split. @throws BadInputError */
export function ratedGroups(rows: readonly DataRow[], options: RatedOptions): Groups {
  const { entries, skippedRows } = readEntries(rows, options.unusableRows, ratedEntry);
  const split = splitTrainHeldOut(entries, options);
  const total = split.train.length + split.heldOut.length;
  const group = (name: "training" | "held-out", responses: readonly RatedResponse[]): PreferenceGroup => {
    refuseNoPreference(name, responses, total, options);
    // The recipe's own text is a template: whoever spells a special token there means the token.
    const promptParts = [{ text: options.prompt, specialTokens: true }];
    return { id: "rated", prompt: options.prompt, promptParts, responses, reference: null };
  };
  return {
    train: [group("training", split.train)],
    heldOut: [group("held-out", split.heldOut)],
    skippedRows,
    idsDecide: false,
  };
}

function ratedEntry(row: DataRow): Entry<RatedResponse> {
  // The train / held-out split needs one.
  requiredField(row, "id");
  const id = idField(row)!;
  const rating = ratingField(row);
  return { id, splitKey: id, value: { id, text: textField(row, "text"), rating, where: row.where } };
}

function ratingField(row: DataRow): number {
  const value = valueOf(row, "rating");
  if (value === undefined) throw new BadInputError(`${row.where}: "rating" is missing; add it.`);
  const rating = exactNumber(refuseEmpty(value, row.where, '"rating"'));
  if (rating !== null) return rating;
  const problem = `"rating" is ${shownValue(value)}, not a finite number (integers: below 2^53)`;
  // JSON can spell infinity, as 1e999.
  if (kindOf(value) === "a number") throw new UnusableRowError(row.where, problem);
  throw new BadInputError(`${row.where}: ${problem}.`);
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
