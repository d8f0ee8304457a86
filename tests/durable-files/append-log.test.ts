import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { openAppendLog } from "../../src/durable-files/append-log.js";
import { readJsonLines } from "../../src/durable-files/read-json-lines.js";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-log-"));
  path = join(folder, "log.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

test("lines land in the order of the calls, also when nobody waits in between", async () => {
  const log = await openAppendLog(path, { durable: true });
  await Promise.all(Array.from({ length: 50 }, (_, i) => log.append({ i })));
  await log.close();
  const { rows } = await readJsonLines(path);
  expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, i) => ({ i })));
});

test("a file that is not there is empty; a torn last line is reported and can be cut off", async () => {
  expect(await readJsonLines(path)).toEqual({ rows: [], damagedLines: [], completeBytes: 0, isTorn: false });
  const log = await openAppendLog(path, { durable: false });
  await log.append({ text: "é" });
  await log.close();
  await appendFile(path, '{"half":');
  const torn = await readJsonLines(path);
  expect(torn).toMatchObject({ rows: [{ line: 1 }], damagedLines: [], isTorn: true });

  const again = await openAppendLog(path, { durable: false, keepBytes: torn.completeBytes });
  await again.append({ next: true });
  await again.close();
  expect(await readFile(path, "utf8")).toBe('{"text":"é"}\n{"next":true}\n');
});

test("a complete line that is not JSON is damage, not a torn write", async () => {
  await appendFile(path, '{"a":1}\n{"b":\n{"c":3}\n');
  expect(await readJsonLines(path)).toMatchObject({
    rows: [{ line: 1 }, { line: 3 }],
    damagedLines: [2],
    isTorn: false,
  });
});
