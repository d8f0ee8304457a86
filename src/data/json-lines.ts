import { TextDecoder } from "node:util";
import { BadInputError } from "../errors.js";

/** An object of a JSONL file, and where it stands. */
export interface DataRow {
  /** "/data/pairs.jsonl:12" */
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The objects of a JSONL file; blank lines are skipped. @throws BadInputError naming the first line that is none */
export function parseJsonLines(path: string, content: Buffer): readonly DataRow[] {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const rows: DataRow[] = [];
  let start = 0;
  for (let line = 1; start < content.length; line++) {
    const newline = content.indexOf(0x0a, start);
    const end = newline === -1 ? content.length : newline;
    const row = parseLine(`${path}:${line}`, content.subarray(start, end), decoder);
    if (row) rows.push(row);
    start = end + 1;
  }
  return rows;
}

function parseLine(where: string, bytes: Uint8Array, decoder: TextDecoder): DataRow | null {
  let text: string;
  try {
    text = decoder.decode(bytes).trim();
  } catch (error) {
    throw new BadInputError(`${where}: the line is not UTF-8; convert the file, for example with iconv.`, {
      cause: error,
    });
  }
  if (text === "") return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadInputError(`${where}: the line is not JSON (${(error as Error).message}); each line is one object.`, {
      cause: error,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadInputError(`${where}: the line is JSON, but not an object {...}.`);
  }
  return { where, fields: value as Record<string, unknown> };
}

/** A field that must be a text with something in it, exactly as it stands. @throws BadInputError */
export function textField({ where, fields }: DataRow, name: string): string {
  const value = fields[name];
  if (value === undefined || value === null) throw new BadInputError(`${where}: the row has no "${name}"; add it.`);
  if (typeof value !== "string") throw new BadInputError(`${where}: "${name}" is not a string.`);
  if (value.trim() === "") throw new BadInputError(`${where}: "${name}" is empty; fill it in, or remove the row.`);
  return value;
}

/** The row's id, a string or an integer. @throws BadInputError if it is there and is neither */
export function idField({ where, fields }: DataRow): string | null {
  const { id } = fields;
  if (id === undefined || id === null) return null;
  if (typeof id === "string" && id !== "") return id;
  if (typeof id === "number" && Number.isInteger(id)) return String(id);
  throw new BadInputError(`${where}: "id" is neither a string nor an integer.`);
}

/** Remembers where each id stood. @throws BadInputError naming both places of an id that occurs twice */
export function refuseRepeatedIds(): (id: string, where: string, advice: string) => void {
  const places = new Map<string, string>();
  return (id, where, advice) => {
    const before = places.get(id);
    if (before !== undefined) throw new BadInputError(`${where}: the id "${id}" is that of ${before} too; ${advice}.`);
    places.set(id, where);
  };
}
