import { stat } from "node:fs/promises";

/** What changes whenever a file is written; empty where there is none. */
export async function fileStamp(path: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return "";
  }
}
