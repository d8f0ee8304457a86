import { readFile } from "node:fs/promises";
import { fileErrorCode } from "../durable-files/file-error.js";

/** A file's text; null if there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT" || fileErrorCode(error) === "ENOTDIR") return null;
    throw error;
  }
}
