import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileError } from "./file-error.js";

/** Names of files that were being written when their process was killed; safe to delete under the folder's lock. */
export const UNFINISHED_FILE = /^\..+\.unfinished$/;

/**
 * Writes a whole file so that a reader, or a crash at any moment, sees the old content or the new, never a part: a
 * temporary file in the same folder, fsync, rename, fsync of the folder.
 * @throws EnvironmentError if the disk is full or not writable
 */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomUUID()}.unfinished`);
  try {
    const file = await open(unfinished, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw fileError(error, `writing ${path}`);
  }
}

/** Makes a created, renamed or deleted entry of the folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
