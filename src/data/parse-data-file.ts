import { TextDecoder, promisify } from "node:util";
import { gunzip } from "node:zlib";
import { decompress } from "fzstd";
import { BadInputError } from "../errors.js";
import type { DataRow } from "./data-row.js";
import { kindOfFile } from "./file-kind.js";
import { parseJsonRows } from "./json-rows.js";
import { parseParquet } from "./parquet-rows.js";

/** A file within a file within a file is enough. */
const MOST_LAYERS = 4;

/**
 * The rows of a data file, whose kind is told by its content: JSONL, a list in JSON or Parquet, which may be packed by gzip
 * or zstd.
 * @throws BadInputError naming the file, and the line or row where it is one
 */
export async function parseDataFile(path: string, content: Buffer, layers = 0): Promise<readonly DataRow[]> {
  const kind = kindOfFile(path, content);
  if (kind === "json") return parseJsonRows(path, content);
  if (kind === "parquet") return parseParquet(path, content);
  if (typeof kind !== "string") throw new BadInputError(`${path} is ${kind.what}: ${kind.advice}.`);
  if (layers === MOST_LAYERS) throw new BadInputError(`${path} is packed more than ${MOST_LAYERS} times; unpack it.`);
  return parseDataFile(path, await unpack(path, content, kind), layers + 1);
}

async function unpack(path: string, content: Buffer, kind: "gzip" | "zstd" | "utf-16le" | "utf-16be"): Promise<Buffer> {
  try {
    if (kind === "gzip") return await promisify(gunzip)(content);
    if (kind === "zstd") return Buffer.from(decompress(content));
    return Buffer.from(new TextDecoder(kind, { fatal: true }).decode(content));
  } catch (cause) {
    const { message } = cause as Error;
    const what = kind.startsWith("utf") ? `read as ${kind.toUpperCase()}` : "unpacked";
    const isCut = /unexpected (end of file|EOF)/i.test(message);
    const why = isCut ? `its end is missing: the ${kind} file was cut` : message;
    throw new BadInputError(`${path} cannot be ${what} (${why}): fetch or write the file again.`, { cause });
  }
}
