import { TextDecoder } from "node:util";
import { parquetMetadata, parquetReadObjects, type FileMetaData, type ParquetParsers } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { JsonSyntaxError } from "../config/parse-json.js";
import { BadInputError } from "../errors.js";
import { isObject, type DataRow } from "./data-row.js";
import { parseDataJson } from "./json-rows.js";
import { WrittenNumber } from "./written-number.js";

/** The rows of a Parquet file, lists and structs as lists and objects. @throws BadInputError if it is none */
export async function parseParquet(path: string, content: Buffer): Promise<readonly DataRow[]> {
  if (content.length < 12 || content.subarray(-4).toString("latin1") !== "PAR1") {
    throw new BadInputError(
      `${path} cannot be read as Parquet: its end is missing, so the file was cut; fetch or write it again.`,
    );
  }
  // A copy: a small Buffer is a window on memory that it shares with others.
  const file = new Uint8Array(content).buffer;
  try {
    const metadata = parquetMetadata(file);
    const decimals = decimalColumns(metadata);
    const rows = await parquetReadObjects({ file, metadata, compressors, parsers: PARSERS });
    return rows.map((fields, i) => ({
      where: `${path}: row ${i + 1}`,
      fields: Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [name, asWritten(value, decimals.get(name))]),
      ),
    }));
  } catch (error) {
    throw new BadInputError(
      `${path} cannot be read as Parquet (${(error as Error).message}): fetch or write the file again.`,
      { cause: error },
    );
  }
}

/** Texts exactly as they are, which must be UTF-8; what is not stays bytes. */
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | Uint8Array {
  try {
    return text.decode(bytes);
  } catch {
    return bytes;
  }
}

const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decode(bytes),
  jsonFromBytes(bytes: Uint8Array | undefined) {
    const value = bytes && decode(bytes);
    if (typeof value !== "string") return value;
    try {
      return parseDataJson(value, "file");
    } catch (error) {
      if (error instanceof JsonSyntaxError) return value;
      throw error;
    }
  },
  geometryFromBytes: (bytes: Uint8Array) => bytes,
  geographyFromBytes: (bytes: Uint8Array) => bytes,
};

/** Digits after the point of the columns of decimals, which are read as fractions of binary digits. */
const decimalColumns = ({ schema }: FileMetaData): ReadonlyMap<string, number> =>
  new Map(
    schema.flatMap(({ name, converted_type, scale }) => (converted_type === "DECIMAL" ? [[name, scale ?? 0]] : [])),
  );

/** 64-bit integers and decimals as numbers where those show the same digits; what is missing is null. */
function asWritten(value: unknown, scale?: number): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : new WrittenNumber(String(value));
  }
  if (typeof value === "number" && scale !== undefined) return Number(value.toFixed(scale));
  if (Array.isArray(value)) return value.map((inner) => asWritten(inner));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, asWritten(inner)]));
}
