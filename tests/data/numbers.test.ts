import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { readResetPool } from "../../src/data/read-reset-pool.js";
import { createDataFolder, groupsOf, read, refusal, type DataFolder } from "./data-folder.js";

let folder: DataFolder;
let path: string;
beforeEach(async () => {
  folder = await createDataFolder();
  path = join(folder.path, "data.jsonl");
});
afterEach(() => folder.remove());

const pairs = (changes: object = {}) => ({ kind: "pairs" as const, path, heldOutShare: 0.3, ...changes });

/** Rows whose fields are JSON as it stands. */
const write = (values: readonly string[], name = "id") =>
  writeFile(
    path,
    values.map((value, i) => `{"${name}": ${value}, "prompt": "Q${i}", "chosen": "a", "rejected": "b"}\n`).join(""),
  );

const literals = Array.from({ length: 30 }, (_, i) => String(1820450087934574592n + BigInt(i)));

describe("an integer of any size", () => {
  test("is an id with all of its digits, in JSON and in Parquet", async () => {
    await write(literals);
    expect(
      groupsOf(await read(pairs()))
        .map(({ id }) => id)
        .sort(),
    ).toEqual(literals);
    await writeFile(
      path,
      `[${literals.map((id, i) => `{"id": ${id}, "prompt": "Q${i}", "chosen": "a", "rejected": "b"}`).join(",\n")}]`,
    );
    expect(
      groupsOf(await read(pairs()))
        .map(({ id }) => id)
        .sort(),
    ).toEqual(literals);
    const rows = literals.map((id, i) => ({ id: BigInt(id), prompt: `Q${i}`, chosen: "a", rejected: "b" }));
    const table = await folder.write("data.parquet", rows);
    expect(
      groupsOf(await read(pairs({ path: table })))
        .map(({ id }) => id)
        .sort(),
    ).toEqual(literals);
  });

  test("keeps its digits, whatever it is", async () => {
    const integers = fc.uniqueArray(fc.bigInt(-(10n ** 30n), 10n ** 30n), { minLength: 40, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(integers, async (ids) => {
        await write(ids.map(String));
        const groups = groupsOf(await read(pairs({ heldOutShare: 0.5, promptTemplate: "{id}" })));
        expect(new Set(groups.map(({ id }) => id))).toEqual(new Set(ids.map(String)));
        for (const { id, prompt } of groups) expect(prompt).toBe(id);
      }),
      { numRuns: 30 },
    );
  });

  test("within a list or an object of the row, so that rows that differ in it are two", async () => {
    const row = (worker: string, i: number) =>
      `{"info": {"id": ${worker}, "post": "P${i}", "title": "T", "subreddit": "s"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": ${i % 2}, "more": [{"by": ${worker}}]}\n`;
    await writeFile(path, literals.map(row).join(""));
    const groups = groupsOf(await read(pairs()));
    expect(groups.map(({ id }) => id.split("/")[0]).sort()).toEqual(literals);
  });

  test("that is known to be rounded is refused, with the advice to write a string", async () => {
    const columnData = [
      { name: "id", data: Array.from({ length: 30 }, (_, i) => 2 ** 60 + i * 1000), type: "DOUBLE" as const },
      ...["prompt", "chosen", "rejected"].map((name) => ({ name, data: literals.map((_, i) => `${name} ${i}`) })),
    ];
    const table = join(folder.path, "data.parquet");
    await writeFile(table, Buffer.from(parquetWriteBuffer({ columnData })));
    expect(await refusal(pairs({ path: table }))).toMatch(/row 1: "id" is too large a number.*write it as a string/);
    await write(["1e30", ...literals]);
    expect(await refusal(pairs())).toMatch(/data\.jsonl:1: "id" is too large a number.*write it as a string/);
  });
});

describe("a number in a prompt", () => {
  test.each(["1.0", "-0", "1e5", "1E400", "0.10", "12345678901234567890.5", "7"])(
    "is shown as written: %s",
    async (number) => {
      await write(
        literals.map(() => number),
        "n",
      );
      const groups = groupsOf(await read(pairs({ promptTemplate: "{n} and {prompt}" })));
      expect(groups.map(({ prompt }) => prompt)).toContain(`${number} and Q3`);
    },
  );

  test("of Parquet has its digits, and what is no number or text is refused", async () => {
    const rows = literals.map((id, i) => ({
      n: BigInt(id),
      x: i + 0.5,
      at: new Date(0),
      chosen: "a",
      rejected: `b${i}`,
    }));
    const table = await folder.write("data.parquet", rows);
    const groups = groupsOf(await read(pairs({ path: table, promptTemplate: "{n} {x}" })));
    expect(groups.map(({ prompt }) => prompt)).toContain(`${literals[3]} 3.5`);
    expect(await refusal(pairs({ path: table, promptTemplate: "{at}" }))).toMatch(
      /row 1: "at", a field of the prompt, is a date, neither a string nor a number/,
    );
  });
});

test("ratings, choices and token ids are read however a number is spelt", async () => {
  const spelt = ["1.0", "2e0", "3", "4.50"];
  await writeFile(
    path,
    literals.map((id, i) => `{"id": ${id}, "text": "T${i}", "rating": ${spelt[i % 4]}}\n`).join(""),
  );
  const [group] = (await read({ kind: "rated", path, prompt: "?", heldOutShare: 0.3 })).train;
  expect(new Set(group!.responses.map(({ rating }) => rating))).toEqual(new Set([1, 2, 3, 4.5]));
  await writeFile(path, '{"promptTokens": [1.0, 2e0], "response": "a", "responseTokens": null}\n');
  expect((await readResetPool(path, 6)).rows).toMatchObject([{ id: "row-1", prompt: [1, 2], response: "a" }]);
});

test.each([
  ["9007199254740993", /"rating" is 9007199254740993, not a finite number \(integers: below 2\^53\)/],
  ["1e400", /"rating" is 1e400, not a finite number/],
])("a rating of %s is refused", async (rating, message) => {
  await writeFile(
    path,
    literals.map((id, i) => `{"id": ${id}, "text": "T${i}", "rating": ${i ? i : rating}}\n`).join(""),
  );
  expect(await refusal({ kind: "rated", path, prompt: "?", heldOutShare: 0.3 })).toMatch(message);
});
