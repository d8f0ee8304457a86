import type { PairOptions } from "../config/data.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import { contentId } from "./content-id.js";
import { hasField, idField, UnusableRowError, type DataRow } from "./data-row.js";
import type { Groups } from "./groups.js";
import { responseField } from "./layouts/chat.js";
import { chooseLayout } from "./layouts/layout.js";
import type { Comparison } from "./layouts/pair-layout.js";
import { PAIR_LAYOUTS } from "./layouts/pair-layouts.js";
import { promptKey } from "./prompt-key.js";
import { readEntries } from "./read-entries.js";
import { refuseEmptySides, splitTrainHeldOut, type Entry } from "./split-train-held-out.js";

/**
 * Each row as a group of two, rated 1 and 0; a row is on one side of the split as a whole.
 * @param rows not empty
 * @throws BadInputError
 */
export function pairGroups(rows: readonly DataRow[], options: PairOptions): Groups {
  const { promptTemplate, heldOutShare } = options;
  const layout = chooseLayout("data", PAIR_LAYOUTS, options, rows[0]!);
  const { entries, skippedRows } = readEntries(rows, options.unusableRows, (row) =>
    pairEntry(row, layout.read(row, promptTemplate)),
  );
  const split = splitTrainHeldOut(entries, options);
  refuseEmptySides(split, { path: options.path, share: heldOutShare, key: "data.heldOutShare" });
  return { ...split, skippedRows };
}

function pairEntry(row: DataRow, comparison: Comparison): Entry<PreferenceGroup> {
  const { prompt, promptParts, preferred, rejected } = comparison;
  if (preferred === rejected) {
    throw new UnusableRowError(row.where, "the preferred and the rejected response are the same text");
  }
  const rowId = idField(row);
  const id = comparison.id ?? rowId ?? contentId(prompt, preferred, rejected);
  const group: PreferenceGroup = {
    id,
    prompt,
    ...(promptParts && { promptParts }),
    responses: [
      { id: `${id}/preferred`, text: preferred, rating: 1 },
      { id: `${id}/rejected`, text: rejected, rating: 0 },
    ],
    reference: hasField(row, "reference")
      ? { id: `${id}/reference`, text: responseField(row, "reference"), rating: 1 }
      : null,
  };
  return { id, splitKey: comparison.promptId ?? rowId ?? promptKey(prompt), value: group };
}
