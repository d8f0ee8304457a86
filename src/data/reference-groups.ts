import type { DataOptions, ReferenceOptions } from "../config/data.js";
import type { PreferenceGroup } from "../domain/preference-dataset.js";
import { contentId } from "./content-id.js";
import { idField, type DataRow } from "./data-row.js";
import type { Groups } from "./groups.js";
import { refuseUnknownFields } from "./layouts/fill-template.js";
import { chooseLayout, templateRows } from "./layouts/layout.js";
import { REFERENCE_LAYOUTS, type Reference } from "./layouts/reference-layouts.js";
import { readEntries } from "./read-entries.js";
import { refuseEmptySides, splitKey, splitTrainHeldOut, type IdentifiedEntry } from "./split-train-held-out.js";

/**
 * Each row as a group with a reference and nothing else. What it leaves out is as for the comparisons, so that a prompt is
 * on one side and reads the same wherever it occurs.
 * @param rows not empty
 * @throws BadInputError
 */
export function referenceGroups(rows: readonly DataRow[], references: ReferenceOptions, data: DataOptions): Groups {
  const { heldOutShare = data.heldOutShare } = references;
  const layout = chooseLayout("data.references", REFERENCE_LAYOUTS, references, rows);
  const inherited = data.kind === "pairs" && layout.takesTemplate ? data.promptTemplate : undefined;
  const promptTemplate = references.promptTemplate ?? inherited;
  if (promptTemplate !== undefined) refuseUnknownFields(promptTemplate, templateRows(layout, rows));
  const { entries, skippedRows } = readEntries(rows, data.unusableRows, (row) =>
    referenceEntry(row, layout.read(row, promptTemplate), data.splitBy),
  );
  const split = splitTrainHeldOut(entries, { ...references, heldOutShare });
  refuseEmptySides(split, {
    path: references.path,
    share: heldOutShare,
    key: "data.references.heldOutShare",
    splitBy: data.splitBy,
  });
  return { ...split, skippedRows, idsDecide: entries.some(({ idDecides }) => idDecides) };
}

function referenceEntry(
  row: DataRow,
  { prompt, promptParts, text }: Reference,
  splitBy: DataOptions["splitBy"],
): IdentifiedEntry<PreferenceGroup> {
  const { where } = row;
  const rowId = idField(row);
  const id = rowId ?? contentId(prompt, text);
  // The comparisons may have a row of the same id.
  const groupId = `references/${id}`;
  const group = {
    id: groupId,
    where,
    prompt,
    ...(promptParts && { promptParts }),
    responses: [],
    reference: { id: groupId, text, rating: 1, where },
  };
  return { id, ...splitKey(prompt, rowId, splitBy), value: group };
}
