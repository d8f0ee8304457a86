import { UnusableRowError, type DataRow } from "./data-row.js";

/**
 * What was read from a row, if all of its texts can be written in UTF-8, as whoever reads them next needs it.
 * @throws UnusableRowError naming the field with half of a surrogate pair, which JSON can spell: "\ud83d"
 */
export function refuseNonUnicode<T>(read: T, { where, fields }: DataRow): T {
  if (placeOfLoneSurrogate(read) === null) return read;
  const place = placeOfLoneSurrogate(fields);
  const what = place === null ? "its text" : `"${place}"`;
  throw new UnusableRowError(
    where,
    `${what} is not Unicode text: it holds half of a surrogate pair (\\ud800 to \\udfff)`,
  );
}

/** Keys to the first text that is not Unicode: "info.post"; "" for the value itself; null: there is none. */
export function placeOfLoneSurrogate(value: unknown): string | null {
  if (typeof value === "string") return LONE_SURROGATE.test(value) ? "" : null;
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return null;
  for (const [key, inner] of Object.entries(value)) {
    const place = placeOfLoneSurrogate(inner);
    if (place !== null) return place === "" ? key : `${key}.${place}`;
  }
  return null;
}

const LONE_SURROGATE = /\p{Surrogate}/u;
