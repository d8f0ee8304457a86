import type { DataOptions } from "../config/data.js";
import type { PreferenceDataset, PreferenceGroup, RatedResponse } from "../domain/preference-dataset.js";
import { BadInputError } from "../errors.js";
import { isHeldOut } from "./is-held-out.js";
import { idField, refuseRepeatedIds, textField, type DataRow } from "./json-lines.js";

type RatedOptions = DataOptions & { kind: "rated" };

/** All rows as responses to options.prompt: one group on each side of the split. @throws BadInputError */
export function ratedGroups(
  rows: readonly DataRow[],
  options: RatedOptions,
): Pick<PreferenceDataset, "train" | "heldOut"> {
  const refuseRepeated = refuseRepeatedIds();
  const responses = rows.map((row) => {
    const response = ratedResponse(row);
    refuseRepeated(response.id, row.where, "give each row an id of its own");
    return response;
  });
  const side = (heldOut: boolean): PreferenceGroup => {
    const chosen = responses.filter(({ id }) => isHeldOut(id, options.heldOutShare) === heldOut);
    refuseNoPreference(chosen, heldOut, responses.length, options);
    return { id: "rated", prompt: options.prompt, responses: chosen };
  };
  return { train: [side(false)], heldOut: [side(true)] };
}

function ratedResponse(row: DataRow): RatedResponse {
  const id = idField(row);
  if (id === null) throw new BadInputError(`${row.where}: the row has no "id"; the train / held-out split needs one.`);
  const { rating } = row.fields;
  if (typeof rating !== "number" || !Number.isFinite(rating)) {
    throw new BadInputError(`${row.where}: "rating" is ${JSON.stringify(rating) ?? "missing"}, not a finite number.`);
  }
  return { id, text: textField(row, "text"), rating };
}

function refuseNoPreference(
  side: readonly RatedResponse[],
  heldOut: boolean,
  total: number,
  options: RatedOptions,
): void {
  if (new Set(side.map(({ rating }) => rating)).size > 1) return;
  const name = heldOut ? "held-out" : "training";
  throw new BadInputError(
    `${options.path}: of ${total} rows, ${side.length} fall on the ${name} side, and no two of them have different ratings, ` +
      `so that side holds no preference. ${heldOut ? "Raise" : "Lower"} data.heldOutShare (${options.heldOutShare}), or add rows.`,
  );
}
