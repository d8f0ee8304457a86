import { closeSync, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * What is wrong with one file of a model's folder: a sentence that names it and says what to do, or null. A file that
 * was not fetched whole is the commonest reason for a base that does not load.
 */

/** What the first bytes of a file show that is not what its name says. */
const DISGUISES: readonly (readonly [start: string, what: string])[] = [
  ["version https://git-lfs.github.com/spec/", "is a Git LFS pointer, not the file itself"],
  ["# xet version", "is a Xet pointer, not the file itself"],
  ["<!doctype", "is a web page, not the file itself"],
  ["<html", "is a web page, not the file itself"],
];
const START_BYTES = 64;
const BYTE_ORDER_MARK = "\ufeff";

/** Most bytes of a safetensors header, as the format has it. */
const LONGEST_HEADER = 100_000_000;
const LENGTH_BYTES = 8;
/** Data types of weights that are numbers as they stand; quantised ones mean nothing without their scales. */
const PLAIN_TYPES: ReadonlySet<unknown> = new Set(["F64", "F32", "F16", "BF16"]);

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Any file: it can be read, is not empty, and is not a stand-in for the file itself. */
export const fileProblem = (path: string): string | null => reading(path, () => null);

/** @returns the object in a JSON file, or what is wrong with the file. A byte-order mark is no fault. */
export function readJsonObject(
  path: string,
): { readonly object: Readonly<Record<string, unknown>> } | { readonly problem: string } {
  let object: Readonly<Record<string, unknown>> = {};
  const problem = reading(path, () => {
    const text = readFileSync(path, "utf8");
    let value: unknown;
    try {
      value = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
    } catch (error) {
      return `is not JSON (${(error as Error).message}), so it may be cut off. ${again(path)}`;
    }
    if (!isObject(value)) return `is JSON, but not an object. ${again(path)}`;
    object = value;
    return null;
  });
  return problem === null ? { object } : { problem };
}

/** A safetensors file: its header is whole, all the data that it promises is there, and the weights are plain numbers. */
export const safetensorsProblem = (path: string): string | null =>
  reading(path, (file, size) => {
    if (size < LENGTH_BYTES) return `is cut off: it has ${size} bytes. ${again(path)}`;
    const headerLength = Number(readStart(file, LENGTH_BYTES).readBigUInt64LE());
    if (headerLength > LONGEST_HEADER) return `is not a safetensors file. ${again(path)}`;
    if (headerLength > size - LENGTH_BYTES) return `is cut off: it ends within its header. ${again(path)}`;
    const header = Buffer.alloc(headerLength);
    readSync(file, header, 0, headerLength, LENGTH_BYTES);
    return headerProblem(header.toString("utf8"), size - LENGTH_BYTES - headerLength, path);
  });

function headerProblem(header: string, dataBytes: number, path: string): string | null {
  const tensors = parsedHeader(header);
  if (tensors === null) return `has a damaged header. ${again(path)}`;
  const promised = tensors.reduce((furthest, { end }) => Math.max(furthest, end), 0);
  if (dataBytes < promised)
    return `is cut off: ${dataBytes} bytes of its ${promised} bytes of weights are there. ${again(path)}`;
  if (dataBytes > promised) return `is longer than its header says, so it is damaged. ${again(path)}`;
  const quantised = tensors.find(({ name, dtype }) => name.endsWith("weight") && !PLAIN_TYPES.has(dtype));
  if (quantised === undefined) return null;
  return (
    `has quantised weights (${quantised.name} is ${String(quantised.dtype)}), which cannot be trained here. ` +
    "Name the model's unquantised version."
  );
}

interface Tensor {
  readonly name: string;
  readonly dtype: unknown;
  /** Bytes from the beginning of the data. */
  readonly end: number;
}

function parsedHeader(header: string): readonly Tensor[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(header);
  } catch {
    return null;
  }
  if (!isObject(parsed)) return null;
  const tensors: Tensor[] = [];
  for (const [name, tensor] of Object.entries(parsed)) {
    if (name === "__metadata__") continue;
    const offsets = isObject(tensor) ? tensor["data_offsets"] : undefined;
    const end: unknown = Array.isArray(offsets) ? offsets[1] : undefined;
    if (!isObject(tensor) || typeof end !== "number") return null;
    tensors.push({ name, dtype: tensor["dtype"], end });
  }
  return tensors;
}

/** Opens a file for `check`, after it has looked at its size and its first bytes. */
function reading(path: string, check: (file: number, size: number) => string | null): string | null {
  const named = (problem: string | null) => (problem === null ? null : `${path} ${problem}`);
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      if (!fstatSync(file).isFile()) return named("is not a file. Put the model's file in its place.");
      if (size === 0) return named(`is empty. ${again(path)}`);
      const start = readStart(file, START_BYTES).toString("latin1").toLowerCase();
      const disguise = DISGUISES.find(([first]) => start.startsWith(first));
      return named(disguise === undefined ? check(file, size) : `${disguise[1]}. ${again(path)}`);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return named(unreadable(path, error));
  }
}

function readStart(file: number, bytes: number): Buffer {
  const start = Buffer.alloc(bytes);
  return start.subarray(0, readSync(file, start, 0, bytes, 0));
}

/** Why the system does not let us read a file or a folder. */
export function unreadable(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return isLink(path)
        ? `is a link to ${readlinkSync(path)}, where there is nothing. ${again(path)}`
        : `is missing. ${again(path)}`;
    case "ELOOP":
      return "is a link that leads back to itself. Put the file itself in its place.";
    case "EACCES":
    case "EPERM":
      return "cannot be read: permission is denied. Check who owns it, and the folders above it.";
    default:
      return `cannot be read (${code ?? String(error)}). Check the disk, or choose another folder.`;
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

const again = (path: string): string =>
  `Fetch it again: "hf download ORGANISATION/NAME ${basename(path)} --local-dir ${dirname(path)}", or "git lfs pull" in a clone.`;
