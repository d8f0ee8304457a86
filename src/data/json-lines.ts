import { TextDecoder } from "node:util";
import { BadInputError } from "../errors.js";
import { isObject, type DataRow } from "./data-row.js";

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
  if (!isObject(value)) throw new BadInputError(`${where}: the line is JSON, but not an object {...}.`);
  return { where, fields: value };
}
