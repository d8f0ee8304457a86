import { mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileError } from "../durable-files/file-error.js";
import { placeFolder } from "../durable-files/place-folder.js";
import { syncFolder } from "../durable-files/write-file-atomically.js";
import { EnvironmentError } from "../errors.js";
import { downloadFile, type FileReader, type ListedFile } from "./download-file.js";

const GIB = 2 ** 30;

/**
 * Copies files into a folder that appears when all of them are there and verified. Until then they are in `.NAME.part`
 * beside it, where another attempt, in this process or a later one, finds what it need not read again.
 * @returns bytes of all files. @throws as downloadFile; EnvironmentError if they do not fit on the disk
 */
export async function downloadFolder(request: {
  /** For messages. */
  readonly name: string;
  /** Absolute; not there, or empty. */
  readonly to: string;
  readonly files: readonly ListedFile[];
  readonly read: FileReader;
  /** Gets bytes done and bytes in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}): Promise<number> {
  const { name, to, files, read, onProgress } = request;
  const partial = join(dirname(to), `.${basename(to)}.part`);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  try {
    await mkdir(partial, { recursive: true });
    await refuseFullDisk(partial, files, name);
    let finished = 0;
    for (const file of files) {
      await downloadFile({
        name,
        folder: partial,
        file,
        read,
        onBytes: (done) => onProgress?.(finished + done, total),
      });
      finished += file.bytes;
    }
    await removeOthers(partial, files);
    await syncFolder(partial);
    await placeFolder(partial, to);
    await syncFolder(dirname(to));
    return total;
  } catch (error) {
    throw fileError(error, `downloading ${name} to ${to}`);
  }
}

/** Before the first byte is asked for: a download of hours must not end so. */
async function refuseFullDisk(folder: string, files: readonly ListedFile[], name: string): Promise<void> {
  const sizes = await Promise.all(files.map(({ path }) => sizeOf(join(folder, path))));
  const missing = files.reduce((sum, { bytes }, i) => sum + Math.max(0, bytes - sizes[i]!), 0);
  const { bavail, bsize } = await statfs(folder);
  if (missing <= bavail * bsize) return;
  throw new EnvironmentError(
    `${name} needs ${(missing / GIB).toFixed(1)} GiB in ${dirname(folder)}, where ${((bavail * bsize) / GIB).toFixed(1)} GiB are ` +
      `free: free some space, or choose another folder.`,
  );
}

/** What attempts at other content left there. */
async function removeOthers(folder: string, files: readonly ListedFile[]): Promise<void> {
  const wanted = new Set(files.map(({ path }) => join(folder, path)));
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isDirectory() && !wanted.has(path)) await rm(path);
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );
