import { createHash } from "node:crypto";
import type { DataOptions } from "../config/data.js";
import type { PreferenceDataset, PreferenceGroup } from "../domain/preference-dataset.js";
import { BadInputError } from "../errors.js";
import { isHeldOut } from "./is-held-out.js";
import { idField, refuseRepeatedIds, textField, type DataRow } from "./json-lines.js";

type PairOptions = DataOptions & { kind: "pairs" };

/** Each row as a group of two, rated 1 and 0; a row is on one side of the split as a whole. @throws BadInputError */
export function pairGroups(
  rows: readonly DataRow[],
  options: PairOptions,
): Pick<PreferenceDataset, "train" | "heldOut"> {
  const refuseRepeated = refuseRepeatedIds();
  const groups = rows.map((row) => {
    const group = pairGroup(row);
    refuseRepeated(group.id, row.where, "remove one, or give each row an id of its own");
    return group;
  });
  const side = (heldOut: boolean): readonly PreferenceGroup[] => {
    const chosen = groups.filter(({ id }) => isHeldOut(id, options.heldOutShare) === heldOut);
    if (chosen.length > 0) return chosen;
    throw new BadInputError(
      `${options.path}: of ${groups.length} rows, none falls on the ${heldOut ? "held-out" : "training"} side. ` +
        `${heldOut ? "Raise" : "Lower"} data.heldOutShare (${options.heldOutShare}), or add rows.`,
    );
  };
  return { train: side(false), heldOut: side(true) };
}

function pairGroup(row: DataRow): PreferenceGroup {
  const prompt = textField(row, "prompt");
  const preferred = preferredText(row);
  const rejected = textField(row, "rejected");
  if (preferred === rejected) {
    throw new BadInputError(`${row.where}: the preferred and the rejected response are the same text; remove the row.`);
  }
  const id = idField(row) ?? contentId(prompt, preferred, rejected);
  const responses = [
    { id: `${id}/preferred`, text: preferred, rating: 1 },
    { id: `${id}/rejected`, text: rejected, rating: 0 },
  ];
  return { id, prompt, responses };
}

/** "chosen" is what many published datasets call it. */
function preferredText(row: DataRow): string {
  const { preferred, chosen } = row.fields;
  if (preferred !== undefined && chosen !== undefined) {
    throw new BadInputError(`${row.where}: the row has both "preferred" and "chosen"; keep one.`);
  }
  if (preferred === undefined && chosen === undefined) {
    throw new BadInputError(`${row.where}: the row has no "preferred" response; add it, or remove the row.`);
  }
  return textField(row, preferred === undefined ? "chosen" : "preferred");
}

/** An id that does not change when rows are added before it. */
const contentId = (...texts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
