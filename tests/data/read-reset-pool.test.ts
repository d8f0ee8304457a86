import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readResetPool } from "../../src/data/read-reset-pool.js";
import { BadInputError } from "../../src/errors.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-pool-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function pool(...rows: readonly unknown[]): Promise<string> {
  const path = join(folder, "pool.jsonl");
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

test("rows of text, of token ids, or of both; ids are optional", async () => {
  const path = await pool(
    { id: "a", prompt: "Why?", response: "Because" },
    { promptTokens: [1, 2], responseTokens: [3] },
    { prompt: "Why?", responseTokens: [4, 5] },
  );
  expect((await readResetPool(path, 6)).rows).toEqual([
    { id: "a", prompt: "Why?", response: "Because", where: `${path}:1` },
    { id: "row-2", prompt: [1, 2], response: [3], where: `${path}:2` },
    { id: "row-3", prompt: "Why?", response: [4, 5], where: `${path}:3` },
  ]);
});

test.each([
  [{ prompt: "a", responseTokens: [1, 6] }, /:1: "responseTokens" holds token 6, which is outside .* vocabulary of 6/],
  [{ prompt: "a", responseTokens: [] }, /:1: "responseTokens" is not a list of token ids/],
  [{ prompt: "a", responseTokens: [1.5] }, /:1: "responseTokens" is not a list of token ids/],
  [{ prompt: "a" }, /:1: the row has no "response"/],
  [{ prompt: "a", response: "b", responseTokens: [1] }, /:1: the row has both "response" and "responseTokens"/],
])("%j is refused by file and line", async (row, message) => {
  const reading = readResetPool(await pool(row), 6);
  await expect(reading).rejects.toThrow(BadInputError);
  await expect(reading).rejects.toThrow(message);
});

test("two rows of one id, no rows, and no file are refused", async () => {
  const row = { id: "a", prompt: "b", response: "c" };
  await expect(readResetPool(await pool(row, row), null)).rejects.toThrow(/:2: the id "a" is that of .*:1 too/);
  await expect(readResetPool(await pool(), null)).rejects.toThrow(/has no rows/);
  await expect(readResetPool(join(folder, "none.jsonl"), null)).rejects.toThrow(/none\.jsonl cannot be read/);
});
