import { readFile } from "node:fs/promises";
import { withoutByteOrderMark } from "../config/text-file.js";
import { fileErrorCode } from "../durable-files/file-error.js";

/** A file's text, without a byte-order mark; null if there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return withoutByteOrderMark(await readFile(path, "utf8"));
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT" || fileErrorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}
