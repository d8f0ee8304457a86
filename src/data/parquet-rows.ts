import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { BadInputError } from "../errors.js";
import { isObject, type DataRow } from "./data-row.js";

/** The rows of a Parquet file, lists and structs as lists and objects. @throws BadInputError if it is none */
export async function parseParquet(path: string, content: Buffer): Promise<readonly DataRow[]> {
  // A copy: a small Buffer is a window on memory that it shares with others.
  const file = new Uint8Array(content).buffer;
  try {
    const rows = await parquetReadObjects({ file, compressors });
    return rows.map((fields, i) => ({
      where: `${path}: row ${i + 1}`,
      fields: withNumbers(fields) as DataRow["fields"],
    }));
  } catch (error) {
    throw new BadInputError(
      `${path} cannot be read as Parquet (${(error as Error).message}): fetch or write the file again, or rename it if it is JSONL.`,
      { cause: error },
    );
  }
}

/** 64-bit integers as numbers, as in JSON; as text where a number would not be exact. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withNumbers(inner)]));
}
