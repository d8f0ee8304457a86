import type { Dirent } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathsOf } from "../config/data.js";
import { BadInputError } from "../errors.js";
import { HEAD_BYTES, kindOfFile } from "./file-kind.js";

/** What counts as data in a folder; published JSONL is often called .json. A file that is named is read whatever its name. */
const DATA_FILE = /\.(parquet|parq|pq|(jsonl|json|ndjson)(\.(gz|gzip|zst|zstd))?)$/i;
/** What tools put beside data. */
const HIDDEN = /^[._]/;
const ABOUT_DATA = [
  /^(readme|licen[cs]e|copying|notice|changelog|citation)(\.(md|txt|rst|cff|html))?$/i,
  /^(dataset_infos?|dataset_dict|state|croissant)\.json$/,
  /\.(md|rst|py|ipynb|sh|ya?ml|toml|lock|log|html?|pdf|png|jpe?g|gif|svg|sha\d+|md5|crc)$/i,
];
/** Folders within folders that are searched for data. */
const DEEPEST = 3;

/**
 * The files of a dataset in order: those named, and those in folders that are named, by name.
 * @param key of the recipe, for messages
 * @throws BadInputError if something is not there, or a folder holds no data, or data that would not be read
 */
export async function listDataFiles(key: string, path: string | readonly string[]): Promise<readonly string[]> {
  const files: (readonly string[])[] = [];
  for (const one of pathsOf(path)) files.push(await filesAt(key, one));
  return files.flat();
}

async function filesAt(key: string, path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await visibleEntries(path);
    const files = entries.filter((entry) => !entry.isDirectory() && DATA_FILE.test(entry.name));
    const unread = await unreadData(path, entries);
    if (unread === null && files.length > 0) return files.map(({ name }) => join(path, name));
    if (unread !== null) {
      throw new BadInputError(
        `${key}: the folder ${path} holds ${unread}, which is not read with it. Name the files or folders that are to be ` +
          `read in ${key}, which may be a list, or move the others elsewhere.`,
      );
    }
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    throw cannotRead(key, path, error);
  }
  throw new BadInputError(
    `${key}: the folder ${path} holds no data file (.jsonl, .jsonl.gz or .parquet); name the files or their own folder.`,
  );
}

/** By name; a link is what it leads to. */
async function visibleEntries(folder: string): Promise<readonly Pick<Dirent, "name" | "isDirectory">[]> {
  const names = (await readdir(folder))
    .filter((name) => !HIDDEN.test(name) && !ABOUT_DATA.some((one) => one.test(name)))
    .sort();
  return Promise.all(
    names.map(async (name) => {
      // A link to nowhere is found when it is read.
      const isDirectory = await stat(join(folder, name)).then(
        (found) => found.isDirectory(),
        () => false,
      );
      return { name, isDirectory: () => isDirectory };
    }),
  );
}

/** What looks like data and is not read: a file of another name or kind, or one in a folder within; null if there is none. */
async function unreadData(folder: string, entries: Awaited<ReturnType<typeof visibleEntries>>): Promise<string | null> {
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const inner = await dataWithin(path, DEEPEST);
      if (inner !== null) return `data in a folder of its own (${inner})`;
    } else if (!DATA_FILE.test(entry.name)) {
      const what = await looksLikeData(path);
      if (what !== null) return `${entry.name}, ${what}`;
    }
  }
  return null;
}

async function dataWithin(folder: string, depth: number): Promise<string | null> {
  const entries = await visibleEntries(folder).catch(() => []);
  const file = entries.find((entry) => !entry.isDirectory() && DATA_FILE.test(entry.name));
  if (file) return join(folder, file.name);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const inner = !entry.isDirectory()
      ? (await looksLikeData(path)) === null
        ? null
        : path
      : depth > 1
        ? await dataWithin(path, depth - 1)
        : null;
    if (inner !== null) return inner;
  }
  return null;
}

/** What a file of an unknown name is, if it may hold rows; null if it does not look like it. */
async function looksLikeData(path: string): Promise<string | null> {
  const head = await readHead(path).catch(() => new Uint8Array());
  if (head.length === 0) return null;
  const kind = kindOfFile(path, head);
  if (typeof kind !== "string") return kind.holdsData ? `${kind.what} (${kind.advice})` : null;
  if (kind !== "json") return `which looks like ${kind}`;
  return /^\s*\[?\s*\{\s*"/.test(Buffer.from(head).toString("utf8")) ? "which looks like JSON" : null;
}

async function readHead(path: string): Promise<Uint8Array> {
  if (!(await stat(path)).isFile()) return new Uint8Array();
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** @param error of the file system */
export function cannotRead(key: string, path: string, error: unknown): BadInputError {
  const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
  const advice = isMissing ? `there is no such file; check ${key}` : String(error);
  return new BadInputError(`The data ${path} cannot be read: ${advice}.`, { cause: error });
}
