import { TextDecoder } from "node:util";
import { JSON_WORDS, JsonSyntaxError, parseJson } from "../config/parse-json.js";
import { BadInputError } from "../errors.js";
import { isObject, type DataRow } from "./data-row.js";
import { readNumber } from "./written-number.js";

/** Python writes numbers that are none as they are, though JSON does not know them. */
const WORDS = new Map([...JSON_WORDS, ["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity]]);

/** JSON whose numbers keep their digits. @throws JsonSyntaxError */
export const parseDataJson = (text: string, unit: "file" | "line"): unknown =>
  parseJson(text, { number: readNumber, words: WORDS, unit });

/** Characters in which the first line of an object over several lines ends, as it holds one key at most. */
const LONGEST_OPENING = 200;
const OPENING_BRACKET = 0x5b;
const SPACES = [0x20, 0x09, 0x0a, 0x0d];

/**
 * The objects of a file of JSON: one a line, where blank lines are skipped, or all in one list.
 * @param content UTF-8
 * @throws BadInputError naming the first line or row that is none
 */
export function parseJsonRows(path: string, content: Buffer): readonly DataRow[] {
  const first = content.subarray(startOfText(content)).find((byte) => !SPACES.includes(byte));
  if (first === OPENING_BRACKET) return parseList(path, content);
  const rows = oneObject(path, content) ?? parseLines(path, content);
  refuseWrapped(path, rows);
  return rows;
}

/** A file that is a single object over several lines: null if it is none. */
function oneObject(path: string, content: Buffer): readonly DataRow[] | null {
  const [line = ""] = content
    .subarray(startOfText(content))
    .toString("utf8", 0, LONGEST_OPENING)
    .trimStart()
    .split("\n");
  if (!/^\{\s*("[^"]*"\s*:\s*[[{]?\s*)?$/.test(line)) return null;
  try {
    const fields = parseWhole(path, content);
    return isObject(fields) ? [{ where: `${path}: row 1`, fields }] : null;
  } catch (error) {
    if (error instanceof BadInputError) return null;
    throw error;
  }
}

const startOfText = (content: Buffer): number =>
  content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf ? 3 : 0;

function parseList(path: string, content: Buffer): readonly DataRow[] {
  const value = parseWhole(path, content);
  if (!Array.isArray(value)) throw new BadInputError(`${path}: the file is JSON, but not a list of objects.`);
  return value.map((fields: unknown, i) => {
    if (isObject(fields)) return { where: `${path}: row ${i + 1}`, fields };
    throw new BadInputError(`${path}: row ${i + 1} of the list is JSON, but not an object {...}.`);
  });
}

function parseWhole(path: string, content: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch (cause) {
    const isTooLong = (cause as NodeJS.ErrnoException).code !== "ERR_ENCODING_INVALID_ENCODED_DATA";
    throw new BadInputError(
      isTooLong
        ? `${path} is too long to be read as one list; write one object a line, for example with jq -c '.[]'.`
        : `${path} is not UTF-8; convert the file, for example with iconv.`,
      { cause },
    );
  }
  try {
    return parseDataJson(text, "file");
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    throw new BadInputError(
      `${path}:${cause.line}:${cause.column}: not JSON: ${cause.problem}. The file is one list [...] or one object a line.`,
      { cause },
    );
  }
}

function parseLines(path: string, content: Buffer): readonly DataRow[] {
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
    value = parseDataJson(text, "line");
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause;
    const isOpen = cause.column > text.length;
    const advice = isOpen
      ? "Was the file cut, or does an object stand on several lines? Each line is one object; jq -c . puts it there."
      : "Each line is one object.";
    throw new BadInputError(`${where}: the line is not JSON (column ${cause.column}: ${cause.problem}). ${advice}`, {
      cause,
    });
  }
  if (!isObject(value)) throw new BadInputError(`${where}: the line is JSON, but not an object {...}.`);
  return { where, fields: value };
}

/** What a list of rows is called that stands within an object. */
const WRAPPERS = ["data", "rows", "train", "examples", "instances", "items", "records", "samples"];

/** A file that holds all rows in one object would be taken for one row. */
function refuseWrapped(path: string, rows: readonly DataRow[]): void {
  const name = rows.length === 1 ? WRAPPERS.find((one) => isListOfObjects(rows[0]!.fields[one])) : undefined;
  if (name === undefined) return;
  throw new BadInputError(
    `${path} is one object with its rows in the list "${name}"; write the list alone: jq -c '.${name}[]' FILE > rows.jsonl`,
  );
}

const isListOfObjects = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isObject);
