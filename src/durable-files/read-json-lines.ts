import { readFile } from "node:fs/promises";
import { withoutByteOrderMark } from "../config/text-file.js";
import { fileErrorCode } from "./file-error.js";

export interface JsonLines {
  /** The lines that are JSON, in order. */
  readonly rows: readonly { readonly line: number; readonly value: unknown }[];
  /** Numbers of complete lines that are not JSON. */
  readonly damagedLines: readonly number[];
  /** Bytes up to the end of the last complete line: what follows was being written when its process ended. */
  readonly completeBytes: number;
  readonly isTorn: boolean;
}

/** Reads a log of JSON lines. A file that is not there is an empty one. */
export async function readJsonLines(path: string): Promise<JsonLines> {
  const content = await readIfThere(path);
  const completeBytes = content.lastIndexOf(0x0a) + 1;
  const text = withoutByteOrderMark(content.subarray(0, completeBytes).toString("utf8"));
  const texts = text.split("\n").slice(0, -1);
  const rows: { line: number; value: unknown }[] = [];
  const damagedLines: number[] = [];
  for (const [index, text] of texts.entries()) {
    try {
      rows.push({ line: index + 1, value: JSON.parse(text) as unknown });
    } catch {
      damagedLines.push(index + 1);
    }
  }
  return { rows, damagedLines, completeBytes, isTorn: completeBytes < content.length };
}

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
