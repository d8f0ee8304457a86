import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileErrorCode } from "../durable-files/file-error.js";
import { CorruptStateError } from "../errors.js";

/** A file as the server describes it. */
export interface ListedFile {
  /** Below its folder, with '/'. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 (hexadecimal). */
  readonly sha256: string;
}

/** Reads a file from an offset to its end; after a broken connection it asks for the offset again. */
export type FileReader = (
  path: string,
  reading: { readonly offset: () => number; readonly onData: (data: Uint8Array) => Promise<void> },
) => Promise<void>;

interface FileDownload {
  /** Of the folder on the server, for messages. */
  readonly name: string;
  readonly folder: string;
  readonly file: ListedFile;
  readonly read: FileReader;
  /** Gets the bytes that are there. */
  readonly onBytes: (done: number) => void;
}

/**
 * Copies one file, unless it is there. What is not complete is in a file whose name holds the hash that it will have, so
 * that a later attempt goes on with it, and only if the same content is meant.
 * @throws CorruptStateError if what came differs from its hash
 */
export async function downloadFile(download: FileDownload): Promise<void> {
  const { folder, file } = download;
  const path = join(folder, file.path);
  await mkdir(dirname(path), { recursive: true });
  if ((await hashOf(path)) === file.sha256) return download.onBytes(file.bytes);
  const part = `${path}.${file.sha256.slice(0, 16)}.part`;
  if ((await complete(part, download)) === "damaged-part") await complete(part, download);
  await rename(part, path);
}

/** Fills the part file. @returns "damaged-part" if bytes of an earlier attempt were wrong, and it has to be read anew */
async function complete(part: string, { name, file, read, onBytes }: FileDownload): Promise<"whole" | "damaged-part"> {
  const stream = await open(part, "a+");
  try {
    const { hash, bytes: kept } = await readBack(stream);
    let received = kept;
    onBytes(received);
    if (received < file.bytes) {
      await read(file.path, {
        offset: () => received,
        async onData(data) {
          await stream.appendFile(data);
          hash.update(data);
          received += data.length;
          onBytes(received);
        },
      });
    }
    if (received === file.bytes && hash.digest("hex") === file.sha256) {
      await stream.sync();
      return "whole";
    }
    await rm(part);
    if (kept > 0) return "damaged-part";
  } finally {
    await stream.close();
  }
  throw new CorruptStateError(
    `${name}/${file.path}: what came is not what the server's manifest says (SHA-256 ${file.sha256}). The file on the server ` +
      `is damaged: take another checkpoint, or export the model again.`,
  );
}

const CHUNK_BYTES = 2 ** 22;

/** Hash and size of what a file holds. */
async function readBack(stream: FileHandle): Promise<{ readonly hash: Hash; readonly bytes: number }> {
  const hash = createHash("sha256");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let bytes = 0; ;) {
    const { bytesRead } = await stream.read(chunk, 0, CHUNK_BYTES, bytes);
    if (bytesRead === 0) return { hash, bytes };
    hash.update(chunk.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}

/** SHA-256 of a file; null if it is not there. */
async function hashOf(path: string): Promise<string | null> {
  try {
    const stream = await open(path, "r");
    try {
      return (await readBack(stream)).hash.digest("hex");
    } finally {
      await stream.close();
    }
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}
