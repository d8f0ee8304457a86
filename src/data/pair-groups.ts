import type { PairOptions } from "../config/data.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import { contentId } from "./content-id.js";
import { hasField, idField, UnusableRowError, type DataRow } from "./data-row.js";
import type { Groups } from "./groups.js";
import { responseField } from "./layouts/chat.js";
import { refuseUnknownFields } from "./layouts/fill-template.js";
import { chooseLayout, templateRows } from "./layouts/layout.js";
import type { Comparison } from "./layouts/pair-layout.js";
import { PAIR_LAYOUTS } from "./layouts/pair-layouts.js";
import { readEntries } from "./read-entries.js";
import { refuseEmptySides, splitKey, splitTrainHeldOut, type IdentifiedEntry } from "./split-train-held-out.js";

/**
 * Each row as a group of two, rated 1 and 0; a row is on one side of the split as a whole.
 * @param rows not empty
 * @throws BadInputError
 */
export function pairGroups(rows: readonly DataRow[], options: PairOptions): Groups {
  const { promptTemplate, heldOutShare, splitBy } = options;
  const layout = chooseLayout("data", PAIR_LAYOUTS, options, rows);
  if (promptTemplate !== undefined) refuseUnknownFields(promptTemplate, templateRows(layout, rows));
  const { entries, skippedRows } = readEntries(rows, options.unusableRows, (row) =>
    pairEntry(row, layout.read(row, promptTemplate), splitBy),
  );
  const split = splitTrainHeldOut(entries, options);
  refuseEmptySides(split, { path: options.path, share: heldOutShare, key: "data.heldOutShare", splitBy });
  return { ...split, skippedRows, idsDecide: entries.some(({ idDecides }) => idDecides) };
}

function pairEntry(
  row: DataRow,
  comparison: Comparison,
  splitBy: PairOptions["splitBy"],
): IdentifiedEntry<PreferenceGroup> {
  const { where } = row;
  const { prompt, promptParts, preferred, rejected } = comparison;
  if (preferred === rejected) {
    throw new UnusableRowError(where, "the preferred and the rejected response are the same text");
  }
  const rowId = idField(row);
  const id = comparison.id ?? rowId ?? contentId(prompt, preferred, rejected);
  const group: PreferenceGroup = {
    id,
    where,
    prompt,
    ...(promptParts && { promptParts }),
    responses: [
      { id: `${id}/preferred`, text: preferred, rating: 1, where },
      { id: `${id}/rejected`, text: rejected, rating: 0, where },
    ],
    reference: hasField(row, "reference")
      ? { id: `${id}/reference`, text: responseField(row, "reference"), rating: 1, where }
      : null,
  };
  return { id, ...splitKey(prompt, comparison.promptId ?? rowId, splitBy), value: group };
}
