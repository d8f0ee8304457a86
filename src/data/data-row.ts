import { BadInputError } from "../errors.js";

/** An object of a data file, and where it stands. */
export interface DataRow {
  /** "/data/pairs.jsonl:12", or "/data/pairs.parquet: row 12", counted from 1. */
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A row of the right form that holds nothing to learn from: what `data.unusableRows: "skip"` leaves out. */
export class UnusableRowError extends BadInputError {
  /** @param problem what is wrong, without a full stop */
  constructor(where: string, problem: string) {
    super(`${where}: ${problem}; mend or remove the row.`);
  }
}

/** Whether a row says anything in a field; a column of a Parquet file is there for every row. */
export const hasField = ({ fields }: DataRow, name: string): boolean =>
  fields[name] !== undefined && fields[name] !== null;

/** A field that must be a text with something in it, exactly as it stands. @throws BadInputError */
export function textField(row: DataRow, name: string): string {
  const { where, fields } = row;
  if (!hasField(row, name)) throw new BadInputError(`${where}: the row has no "${name}"; add it.`);
  const value = fields[name];
  if (typeof value !== "string") throw new BadInputError(`${where}: "${name}" is not a string.`);
  return refuseBlank(value, where, `"${name}"`);
}

/**
 * The text itself.
 * @param what it is, for the message
 * @throws UnusableRowError if there is nothing in it, or it is not Unicode
 */
export function refuseBlank(text: string, where: string, what: string): string {
  if (text.trim() === "") throw new UnusableRowError(where, `${what} is empty`);
  return refuseNonUnicode(text, where, what);
}

/** Half of a surrogate pair, which JSON can spell ("\ud83d") and UTF-8 cannot. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The text itself. @param what it is, for the message. @throws UnusableRowError if it cannot be written in UTF-8 */
export function refuseNonUnicode(text: string, where: string, what: string): string {
  const at = text.search(LONE_SURROGATE);
  if (at === -1) return text;
  const code = `\\u${text.charCodeAt(at).toString(16)}`;
  throw new UnusableRowError(where, `${what} is not Unicode text: ${code} at character ${at} is half of a pair`);
}

/** A field that must be an object, as a row of its own. @throws BadInputError */
export function objectField({ where, fields }: DataRow, name: string): DataRow {
  const value = fields[name];
  if (!isObject(value)) throw new BadInputError(`${where}: "${name}" is not an object {...}.`);
  return { where: `${where}, "${name}"`, fields: value };
}

/** The row's id, a string or an integer. @throws BadInputError if it is there and is neither */
export function idField(row: DataRow): string | null {
  if (!hasField(row, "id")) return null;
  const { id } = row.fields;
  if (typeof id === "string" && id !== "") return refuseNonUnicode(id, row.where, '"id"');
  if (typeof id === "number" && Number.isInteger(id)) return String(id);
  throw new BadInputError(`${row.where}: "id" is neither a string nor an integer.`);
}

/** Remembers where each id stood; answers where it stood before, if it did. */
export function rememberPlaces(): (id: string, where: string) => string | undefined {
  const places = new Map<string, string>();
  return (id, where) => {
    const before = places.get(id);
    if (before === undefined) places.set(id, where);
    return before;
  };
}

/** @throws BadInputError naming both places of an id that occurs twice */
export function refuseRepeatedIds(): (id: string, where: string, advice: string) => void {
  const placeBefore = rememberPlaces();
  return (id, where, advice) => {
    const before = placeBefore(id, where);
    if (before !== undefined) throw new BadInputError(`${where}: the id "${id}" is that of ${before} too; ${advice}.`);
  };
}

/** The one of several names that a field goes by. @throws BadInputError unless the row has exactly one of them */
export function nameInUse(row: DataRow, names: readonly string[]): string {
  const [name, other] = names.filter((one) => hasField(row, one));
  if (name === undefined) {
    const choice = names.map((one) => `"${one}"`).join(" or ");
    throw new BadInputError(`${row.where}: the row has no ${choice}; add it, or remove the row.`);
  }
  if (other !== undefined)
    throw new BadInputError(`${row.where}: the row has both "${name}" and "${other}"; keep one.`);
  return name;
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
