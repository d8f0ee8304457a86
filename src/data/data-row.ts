import { BadInputError } from "../errors.js";
import { exactNumber, integerDigits, WrittenNumber } from "./written-number.js";

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
    super(`${where}: ${problem}; fix or remove the row.`);
  }
}

/** What a row holds in a field; undefined if it has no such field. */
export const valueOf = ({ fields }: DataRow, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

/** How nothing is written: "null", "NaN", "empty" (a text) or "an empty list"; null if the value is something. */
export function emptiness(value: unknown): string | null {
  if (value === null) return "null";
  if (Number.isNaN(value)) return "NaN";
  if (typeof value === "string" && value.trim() === "") return "empty";
  return Array.isArray(value) && value.length === 0 ? "an empty list" : null;
}

/** Whether a row says anything in a field: a column of a table is there for every row. */
export function hasField(row: DataRow, name: string): boolean {
  const value = valueOf(row, name);
  return value !== undefined && emptiness(value) === null;
}

/**
 * A field that must say something.
 * @throws UnusableRowError if there is nothing in it
 * @throws BadInputError if the row has no such field
 */
export function requiredField(row: DataRow, name: string): unknown {
  const value = valueOf(row, name);
  if (value === undefined) {
    throw new BadInputError(`${row.where}: the row has no "${name}"; add it. Its fields are ${fieldNames(row)}.`);
  }
  return refuseEmpty(value, row.where, `"${name}"`);
}

/** @param what the value is, for the message. @throws UnusableRowError if it is null, NaN or empty */
export function refuseEmpty<T>(value: T, where: string, what: string): T {
  const nothing = emptiness(value);
  if (nothing !== null) throw new UnusableRowError(where, `${what} is ${nothing}`);
  return value;
}

/** The names of a row's fields, for messages. */
export const fieldNames = ({ fields }: DataRow): string => Object.keys(fields).join(", ") || "(none)";

/** A field that must be a text with something in it, exactly as it stands. @throws BadInputError */
export function textField(row: DataRow, name: string): string {
  const value = requiredField(row, name);
  if (typeof value === "string") return value;
  throw new BadInputError(`${row.where}: "${name}" is ${kindOf(value)}, not a string.`);
}

/** What a value is that is not the text it should be, for messages. */
export function kindOf(value: unknown): string {
  if (typeof value === "number" || value instanceof WrittenNumber) return "a number";
  if (typeof value === "boolean") return String(value);
  if (value instanceof Date) return "a date";
  if (value instanceof Uint8Array) return "bytes that are not UTF-8";
  return Array.isArray(value) ? "a list" : "an object";
}

/** A value for messages. */
export function shownValue(value: unknown): string {
  if (value instanceof WrittenNumber) return value.text;
  return typeof value === "number" ? String(value) : JSON.stringify(value).slice(0, 80);
}

/** A field that must be an object, as a row of its own. @throws BadInputError */
export function objectField(row: DataRow, name: string): DataRow {
  const value = requiredField(row, name);
  if (!isObject(value)) throw new BadInputError(`${row.where}: "${name}" is not an object {...}.`);
  return { where: `${row.where}, "${name}"`, fields: value };
}

/** The row's id, a string or an integer, all of its digits. @throws BadInputError if it is there and is neither */
export function idField(row: DataRow): string | null {
  if (!hasField(row, "id")) return null;
  const id = valueOf(row, "id");
  if (typeof id === "string") return id;
  const digits = integerDigits(id);
  if (digits !== null) return digits;
  const isWhole = kindOf(id) === "a number" && exactNumber(id) === null;
  throw new BadInputError(
    `${row.where}: "id" is ${isWhole ? "too large a number to be read exactly; write it as a string" : "neither a string nor an integer"}.`,
  );
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

/**
 * The one of several names that a field goes by; one with nothing in it gives way to another.
 * @throws BadInputError unless the row has exactly one of them
 */
export function nameInUse(row: DataRow, names: readonly string[]): string {
  const there = names.filter((one) => valueOf(row, one) !== undefined);
  const [name = there[0], other] = there.filter((one) => hasField(row, one));
  if (name === undefined) {
    const choice = names.map((one) => `"${one}"`).join(" or ");
    throw new BadInputError(
      `${row.where}: the row has no ${choice}; add it, or remove the row. Its fields are ${fieldNames(row)}.`,
    );
  }
  if (other !== undefined)
    throw new BadInputError(`${row.where}: the row has both "${name}" and "${other}"; keep one.`);
  return name;
}

/** Whether a value is {...}: dates, bytes and numbers are none. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
