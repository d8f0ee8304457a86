import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { CorruptStateError, EnvironmentError } from "../../src/errors.js";
import type { FileReader } from "../../src/rpc/download-file.js";
import { downloadFolder } from "../../src/rpc/download-folder.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "drpo-download-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CONTENTS = { "a.bin": Buffer.from("0123456789"), "deep/b.bin": Buffer.from("b"), empty: Buffer.alloc(0) };
type Contents = Readonly<Record<string, Buffer>>;

const listed = (contents: Contents) =>
  Object.entries(contents).map(([path, content]) => {
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { path, bytes: content.length, sha256 };
  });

/** Sends two bytes at a time, and remembers what was asked for. */
const readerOf = (contents: Contents, failAfter = Infinity) => {
  const asked: [string, number][] = [];
  let left = failAfter;
  const read: FileReader = async (path, { offset, onData }) => {
    asked.push([path, offset()]);
    for (let at = offset(); at < contents[path]!.length; at += 2) {
      if (left-- <= 0) throw new EnvironmentError("gone");
      await onData(contents[path]!.subarray(at, at + 2));
    }
  };
  return { read, asked };
};

const download = (read: FileReader, contents: Contents = CONTENTS, to = join(folder, "to")) => {
  const progress: number[] = [];
  const onProgress = (done: number, total: number) => {
    expect(total).toBe(11);
    progress.push(done);
  };
  const done = downloadFolder({ name: "checkpoints/x", to, files: listed(contents), read, onProgress });
  return done.then((bytes) => ({ bytes, progress }));
};

const expectWhole = (to = join(folder, "to")) => {
  for (const [path, content] of Object.entries(CONTENTS)) expect(readFileSync(join(to, path))).toEqual(content);
  expect(readdirSync(to, { recursive: true }).sort()).toEqual(["a.bin", "deep", "deep/b.bin", "empty"]);
  expect(readdirSync(folder)).toEqual(["to"]);
};

test("a folder appears when all of it is there; an empty one may be in its place", async () => {
  mkdirSync(join(folder, "to"));
  const { read, asked } = readerOf(CONTENTS);
  const { bytes, progress } = await download(read);
  expect(bytes).toBe(11);
  expect(progress).toEqual([0, 2, 4, 6, 8, 10, 10, 11, 11]);
  // An empty file needs no call.
  expect(asked).toEqual([
    ["a.bin", 0],
    ["deep/b.bin", 0],
  ]);
  expectWhole();
});

test("a later attempt goes on with what an earlier one left, and only if the same content is meant", async () => {
  await expect(download(readerOf(CONTENTS, 3).read)).rejects.toThrow("gone");
  expect(existsSync(join(folder, "to"))).toBe(false);
  await expect(download(readerOf(CONTENTS, 2).read, CONTENTS)).rejects.toThrow("gone");
  // The same name with other content, in between: nothing of it stays.
  const other = { "a.bin": Buffer.from("abcdefghij"), "c.bin": Buffer.from("c") };
  await expect(download(readerOf(other, 2).read, other)).rejects.toThrow("gone");
  const { read, asked } = readerOf(CONTENTS);
  expect((await download(read)).progress[0]).toBe(10);
  expect(asked).toEqual([["deep/b.bin", 0]]);
  expectWhole();
});

test("bytes of an earlier attempt that are wrong are read anew", async () => {
  await expect(download(readerOf(CONTENTS, 3).read)).rejects.toThrow("gone");
  const partial = join(folder, ".to.part");
  const [part] = readdirSync(partial);
  writeFileSync(join(partial, part!), "XXXX");
  const { read, asked } = readerOf(CONTENTS);
  await download(read);
  expect(asked.slice(0, 2)).toEqual([
    ["a.bin", 4],
    ["a.bin", 0],
  ]);
  expectWhole();
});

test("content that differs from its hash is refused, and not kept", async () => {
  const { read } = readerOf({ ...CONTENTS, "a.bin": Buffer.from("012345678X") });
  const failure = download(read);
  await expect(failure).rejects.toThrow(CorruptStateError);
  await expect(failure).rejects.toThrow(/checkpoints\/x\/a\.bin.*SHA-256 84d89877/);
  expect(readdirSync(join(folder, ".to.part"))).toEqual([]);
});

test("what does not fit on the disk is refused before anything is read", async () => {
  const { read, asked } = readerOf(CONTENTS);
  const files = [{ path: "huge", bytes: 2 ** 60, sha256: "0" }];
  const failure = downloadFolder({ name: "checkpoints/x", to: join(folder, "to"), files, read });
  await expect(failure).rejects.toThrow(EnvironmentError);
  await expect(failure).rejects.toThrow(/checkpoints\/x needs 1073741824\.0 GiB in .* are free/);
  expect(asked).toEqual([]);
});
