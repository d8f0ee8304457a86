import { pathsOf, type DataOptions } from "../config/data.js";
import type { Prompt } from "../domain/preference-dataset.js";
import { promptKey } from "../domain/prompt-key.js";
import { BadInputError } from "../errors.js";
import { unitHash } from "./unit-hash.js";

/** What was read from a row, with what decides whether it is taken and on which side it falls. */
export interface Entry<T> {
  /** Unique. */
  readonly id: string;
  /** Entries with the same key are on the same side. */
  readonly splitKey: string;
  readonly value: T;
}

/** An entry whose row may have an id beside its prompt. */
export interface IdentifiedEntry<T> extends Entry<T> {
  /** The id would decide its side under `splitBy: "id"`. */
  readonly idDecides: boolean;
}

/** @param id of the row, or of what it is about; null: it has none */
export const splitKey = (
  prompt: Prompt,
  id: string | null,
  splitBy: DataOptions["splitBy"],
): Pick<IdentifiedEntry<unknown>, "splitKey" | "idDecides"> => ({
  splitKey: splitBy === "id" && id !== null ? id : promptKey(prompt),
  idDecides: id !== null && id !== promptKey(prompt),
});

export interface Split<T> {
  readonly train: readonly T[];
  readonly heldOut: readonly T[];
}

/**
 * At most `maxRows` entries, those whose ids have the smallest hashes, and each on its side: held out if the hash of its
 * key, a number in [0, 1), lies below the share. The side depends on no other row, so a growing dataset never moves a row
 * from one side to the other; and a larger share only adds to the held-out side.
 */
export function splitTrainHeldOut<T>(
  entries: readonly Entry<T>[],
  { heldOutShare, maxRows = Infinity }: { readonly heldOutShare: number; readonly maxRows?: number | undefined },
): Split<T> {
  const side = (heldOut: boolean) =>
    taken(entries, maxRows).flatMap(({ splitKey, value }) =>
      unitHash(splitKey) < heldOutShare === heldOut ? [value] : [],
    );
  return { train: side(false), heldOut: side(true) };
}

function taken<T>(entries: readonly Entry<T>[], maxRows: number): readonly Entry<T>[] {
  if (entries.length <= maxRows) return entries;
  // Another hash than the split's: the smallest of that one are all held out.
  const hashes = new Map(entries.map(({ id }) => [id, unitHash(`taken:${id}`)]));
  const chosen = [...hashes].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).slice(0, maxRows);
  const ids = new Set(chosen.map(([id]) => id));
  return entries.filter(({ id }) => ids.has(id));
}

/** @throws BadInputError if a side of the split has nothing; `key` names the option that moves rows to it */
export function refuseEmptySides(
  { train, heldOut }: Split<unknown>,
  {
    path,
    share,
    key,
    splitBy,
  }: {
    readonly path: string | readonly string[];
    readonly share: number;
    readonly key: string;
    readonly splitBy: DataOptions["splitBy"];
  },
): void {
  if (train.length > 0 && heldOut.length > 0) return;
  const [name, change] = heldOut.length === 0 ? ["held-out", "Raise"] : ["training", "Lower"];
  throw new BadInputError(
    `${pathsOf(path).join(", ")}: of ${train.length + heldOut.length} rows, none falls on the ${name} side. ` +
      `${change} ${key} (${share}), or add rows: ` +
      (splitBy === "prompt"
        ? 'all rows to one prompt fall on one side, unless data.splitBy is "id".'
        : "rows of one id, or of one prompt where they have none, fall on one side."),
  );
}
