import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeFolder, refuseUnwritable, whyUnwritable } from "../../src/durable-files/writable-folder.js";
import { BadInputError, EnvironmentError } from "../../src/errors.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "drpo-writable-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const refusal = (path: string, isArgument = true): Promise<unknown> =>
  refuseUnwritable([{ path, what: "the run", remedy: "name another with --run-dir", isArgument }]).then(
    () => null,
    (error: unknown) => error,
  );

test("a folder that is there, or can be made, is fine, and is left as it was", async () => {
  expect(await whyUnwritable(root)).toBeNull();
  expect(await whyUnwritable(join(root, "a", "b", "c"))).toBeNull();
  expect(readdirSync(root)).toEqual([]);
  await makeFolder({ path: join(root, "a", "b"), what: "the run", remedy: "", isArgument: true });
  expect(readdirSync(join(root, "a"))).toEqual(["b"]);
});

test("a link to a folder is fine", async () => {
  mkdirSync(join(root, "real"));
  symlinkSync("real", join(root, "link"));
  expect(await whyUnwritable(join(root, "link", "new"))).toBeNull();
});

test.each([
  ["a file", "file", /file is a file/],
  ["a folder below a file", "file/below/it", /file is a file/],
  ["a link to nothing", "dangling", /the link .*dangling leads to nowhere, where there is nothing/],
  ["a folder below a link to nothing", "dangling/below", /the link .*dangling leads to nowhere/],
  ["a link to itself", "loop", /the link .*loop leads back to itself/],
  ["a folder below a link to itself", "loop/below", /the link .*loop leads back to itself/],
  ["a name that is too long", "x".repeat(300), /the path is too long/],
])("%s is refused as an argument, with the remedy", async (_, name, why) => {
  writeFileSync(join(root, "file"), "");
  symlinkSync("nowhere", join(root, "dangling"));
  symlinkSync("loop", join(root, "loop"));
  const error = await refusal(join(root, name));
  expect(error).toBeInstanceOf(BadInputError);
  expect((error as Error).message).toMatch(why);
  expect((error as Error).message).toMatch(/or name another with --run-dir\.$/);
  // What a variable names is a fault of the environment.
  expect(await refusal(join(root, name), false)).toBeInstanceOf(EnvironmentError);
});

test("a file system that takes no files is refused, although permissions allow it", async () => {
  const error = await refusal("/proc/drpo/runs");
  expect(error).toBeInstanceOf(EnvironmentError);
  expect((error as Error).message).toMatch(/Cannot write to \/proc\/drpo\/runs, the folder of the run/);
});
