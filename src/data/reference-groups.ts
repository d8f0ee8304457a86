import type { DataOptions, ReferenceOptions } from "../config/data.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import { contentId } from "./content-id.js";
import { idField, type DataRow } from "./data-row.js";
import type { Groups } from "./groups.js";
import { chooseLayout } from "./layouts/layout.js";
import { REFERENCE_LAYOUTS, type Reference } from "./layouts/reference-layouts.js";
import { promptKey } from "./prompt-key.js";
import { readEntries } from "./read-entries.js";
import { refuseEmptySides, splitTrainHeldOut, type Entry } from "./split-train-held-out.js";

/**
 * Each row as a group with a reference and nothing else. What it leaves out is as for the comparisons, so that a prompt is
 * on one side and reads the same wherever it occurs.
 * @param rows not empty
 * @throws BadInputError
 */
export function referenceGroups(rows: readonly DataRow[], references: ReferenceOptions, data: DataOptions): Groups {
  const { heldOutShare = data.heldOutShare } = references;
  const layout = chooseLayout("data.references", REFERENCE_LAYOUTS, references, rows[0]!);
  const inherited = data.kind === "pairs" && layout.takesTemplate ? data.promptTemplate : undefined;
  const { entries, skippedRows } = readEntries(rows, data.unusableRows, (row) =>
    referenceEntry(row, layout.read(row, references.promptTemplate ?? inherited)),
  );
  const split = splitTrainHeldOut(entries, { ...references, heldOutShare });
  refuseEmptySides(split, { path: references.path, share: heldOutShare, key: "data.references.heldOutShare" });
  return { ...split, skippedRows };
}

function referenceEntry(row: DataRow, { prompt, promptParts, text }: Reference): Entry<PreferenceGroup> {
  const rowId = idField(row);
  const id = rowId ?? contentId(prompt, text);
  // The comparisons may have a row of the same id.
  const groupId = `references/${id}`;
  const group = {
    id: groupId,
    prompt,
    ...(promptParts && { promptParts }),
    responses: [],
    reference: { id: groupId, text, rating: 1 },
  };
  return { id, splitKey: rowId ?? promptKey(prompt), value: group };
}
