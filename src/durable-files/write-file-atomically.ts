import { randomUUID } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileError, fileErrorCode } from "./file-error.js";

/** Names of files that were being written when their process was killed; safe to delete under the folder's lock. */
export const UNFINISHED_FILE = /^\..+\.unfinished$/;

/**
 * Writes a whole file so that a reader, or a crash at any moment, sees the old content or the new, never a part: a
 * temporary file in the same folder, fsync, rename, fsync of the folder.
 * @throws EnvironmentError if the disk is full or not writable
 */
export const writeFileAtomically = (path: string, content: string): Promise<void> =>
  placeFile(path, content, (unfinished) => rename(unfinished, path));

/**
 * The same for a file that is not there yet. Of several processes that create it at once, one does.
 * @returns false if it is there already; it is then left as it is
 * @throws EnvironmentError if the disk is full or not writable
 */
export async function createFileAtomically(path: string, content: string): Promise<boolean> {
  let isNew = true;
  await placeFile(path, content, async (unfinished) => {
    isNew = await linkUnlessThere(unfinished, path);
    await rm(unfinished);
  });
  return isNew;
}

async function linkUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (fileErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** @param place puts the finished temporary file where it belongs */
async function placeFile(path: string, content: string, place: (unfinished: string) => Promise<void>): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomUUID()}.unfinished`);
  try {
    const file = await open(unfinished, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(unfinished);
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
