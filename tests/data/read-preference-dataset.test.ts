import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDataFolder, groupsOf, read, refusal, type DataFolder, type WrittenData } from "./data-folder.js";

let folder: DataFolder;
let path: string;

beforeEach(async () => {
  folder = await createDataFolder();
  path = join(folder.path, "data.jsonl");
});
afterEach(() => folder.remove());

const rated = (heldOutShare = 0.3): WrittenData => ({ kind: "rated", path, prompt: "Say it.", heldOutShare });
const pairs = (heldOutShare = 0.3) => ({ kind: "pairs" as const, path, heldOutShare });

const write = (rows: readonly unknown[]) => folder.write("data.jsonl", rows);

const ratedRows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `s${i}`, text: `Sentence ${i}.`, rating: i % 7 }));

const pairRows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ prompt: `Q${i}`, preferred: `good ${i}`, rejected: `bad ${i}` }));

describe("rated responses", () => {
  test("become one group on each side, all of them, with the recipe's prompt", async () => {
    await write(ratedRows(100));
    const { train, heldOut } = await read(rated());
    expect([train.length, heldOut.length]).toEqual([1, 1]);
    expect(train[0]!.prompt).toBe("Say it.");
    const ids = [...train[0]!.responses, ...heldOut[0]!.responses].map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(ratedRows(100).map(({ id }) => id)));
    expect(ids).toHaveLength(100);
    expect(train[0]!.responses[0]).toMatchObject({ text: expect.stringMatching(/^Sentence/) });
  });

  test("stay on their side when rows are added before them, and the share is met", async () => {
    const heldOutIds = async () => {
      const { heldOut } = await read(rated(0.1));
      return heldOut[0]!.responses.map(({ id }) => id);
    };
    await write(ratedRows(2000));
    const before = await heldOutIds();
    await write([...Array.from({ length: 500 }, (_, i) => ({ id: i, text: "new", rating: i })), ...ratedRows(2000)]);
    const after = await heldOutIds();
    expect(after.filter((id) => id.startsWith("s"))).toEqual(before);
    // Binomial(2000, 0.1): 200 with a standard deviation of 13.
    expect(Math.abs(before.length - 200)).toBeLessThan(54);
  });

  test("have a hash of contents and options, not of the path", async () => {
    await write(ratedRows(50));
    const { hash } = await read(rated());
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await read(rated())).hash).toBe(hash);
    expect((await read(rated(0.4))).hash).not.toBe(hash);
    const copy = await folder.write("copy.jsonl", ratedRows(50));
    expect((await read({ ...rated(), path: copy })).hash).toBe(hash);
    await write(ratedRows(51));
    expect((await read(rated())).hash).not.toBe(hash);
  });

  test.each([
    ["no id", { text: "a", rating: 1 }, /data\.jsonl:3: the row has no "id"/],
    ["an id that is a list", { id: [1], text: "a", rating: 1 }, /data\.jsonl:3: "id" is neither/],
    ["an id twice", { id: "s1", text: "a", rating: 1 }, /data\.jsonl:3: the id "s1" is that of .*data\.jsonl:2/],
    ["no rating", { id: "x", text: "a" }, /data\.jsonl:3: "rating" is missing/],
    ["a rating in words", { id: "x", text: "a", rating: "good" }, /data\.jsonl:3: "rating" is "good"/],
    ["no text", { id: "x", rating: 1 }, /data\.jsonl:3: the row has no "text"/],
    ["an empty text", { id: "x", text: " ", rating: 1 }, /data\.jsonl:3: "text" is empty/],
    ["a list", [1, 2], /data\.jsonl:3: the line is JSON, but not an object/],
  ])("with %s are refused, naming the line", async (_, row, message) => {
    await write([...ratedRows(2), row]);
    expect(await refusal(rated())).toMatch(message);
  });

  test("without a preference on one side are refused", async () => {
    await write(ratedRows(30).map((row) => ({ ...row, rating: 1 })));
    expect(await refusal(rated())).toMatch(/training side, and no two of them have different ratings/);
    await write(ratedRows(4));
    expect(await refusal(rated(0.0001))).toMatch(/0 fall on the held-out side.*Raise data\.heldOutShare/);
  });
});

describe("pairs", () => {
  test("become a group each, rated 1 and 0, whole on one side", async () => {
    await write([
      ...pairRows(40),
      { id: 7, prompt: "P", chosen: "yes", rejected: "no", source: "extra fields are fine" },
    ]);
    const dataset = await read(pairs());
    const { train, heldOut } = dataset;
    expect(train.length + heldOut.length).toBe(41);
    expect(heldOut.length).toBeGreaterThan(0);
    expect(groupsOf(dataset).find(({ id }) => id === "7")).toEqual({
      id: "7",
      prompt: "P",
      responses: [
        { id: "7/preferred", text: "yes", rating: 1 },
        { id: "7/rejected", text: "no", rating: 0 },
      ],
      reference: null,
    });
  });

  test("may carry a reference each", async () => {
    await write([...pairRows(40), { id: 7, prompt: "P", chosen: "yes", rejected: "no", reference: "perhaps" }]);
    const groups = groupsOf(await read(pairs()));
    expect(groups.find(({ id }) => id === "7")!.reference).toEqual({ id: "7/reference", text: "perhaps", rating: 1 });
    expect(groups.filter(({ reference }) => reference !== null)).toHaveLength(1);
  });

  test("to one prompt are on one side, unless the recipe lets their ids decide", async () => {
    const answers = Array.from({ length: 30 }, (_, i) => ({ prompt: "P", preferred: `good ${i}`, rejected: "bad" }));
    await write([...pairRows(40), ...answers]);
    const sides = async (changes: object = {}) => {
      const { train, heldOut } = await read({ ...pairs(), ...changes });
      return [train, heldOut].map((side) => side.filter(({ prompt }) => prompt === "P").length);
    };
    expect((await sides()).sort()).toEqual([0, 30]);
    await write([...pairRows(40), ...answers.map((row, i) => ({ id: i, ...row }))]);
    expect((await sides()).sort()).toEqual([0, 30]);
    expect((await sides({ splitBy: "id" })).every((count) => count > 0)).toBe(true);
  });

  test("of a prompt that a template puts together", async () => {
    await write(pairRows(40).map(({ prompt, ...row }) => ({ question: prompt, hint: `h of ${prompt}`, ...row })));
    const groups = groupsOf(await read({ ...pairs(), promptTemplate: "{hint}\n{question}?\n" }));
    expect(groups.map(({ prompt }) => prompt)).toContain("h of Q3\nQ3?\n");
    expect(await refusal({ ...pairs(), promptTemplate: "{query}" })).toMatch(
      /data\.jsonl:1: the row has no "query", a field of its prompt; its fields are question, hint, preferred, rejected/,
    );
  });

  test("without an id keep their side when rows are added before them", async () => {
    const prompts = async () => (await read(pairs())).heldOut.map(({ prompt }) => prompt);
    await write(pairRows(60));
    const before = await prompts();
    await write([{ prompt: "new", preferred: "a", rejected: "b" }, ...pairRows(60)]);
    expect((await prompts()).filter((prompt) => prompt !== "new")).toEqual(before);
  });

  test.each([
    ["no preferred response", { prompt: "P", rejected: "b" }, /data\.jsonl:3: the row has no "preferred" or "chosen"/],
    [
      "an empty preferred response",
      { prompt: "P", preferred: "", rejected: "b" },
      /data\.jsonl:3: "preferred" is empty/,
    ],
    [
      "two preferred responses",
      { prompt: "P", preferred: "a", chosen: "a", rejected: "b" },
      /both "preferred" and "chosen"/,
    ],
    ["no rejected response", { prompt: "P", chosen: "a" }, /data\.jsonl:3: the row has no "rejected"/],
    ["no prompt", { chosen: "a", rejected: "b" }, /data\.jsonl:3: the row has no "prompt"/],
    ["one text twice", { prompt: "P", chosen: "a", rejected: "a" }, /data\.jsonl:3: .* are the same text/],
    [
      "a repetition",
      { prompt: "Q0", preferred: "good 0", rejected: "bad 0" },
      /data\.jsonl:3: the row repeats .*data\.jsonl:1; fix or remove the row\. Or set data\.unusableRows to "skip"/,
    ],
  ])("with %s are refused, naming the line", async (_, row, message) => {
    await write([...pairRows(2), row]);
    expect(await refusal(pairs())).toMatch(message);
  });

  test("that all fall on one side are refused", async () => {
    await write(pairRows(3));
    expect(await refusal(pairs(0.0001))).toMatch(/none falls on the held-out side. Raise data.heldOutShare/);
    expect(await refusal(pairs(0.9999))).toMatch(/none falls on the training side. Lower data.heldOutShare/);
  });
});

describe("rows that hold nothing to learn from", () => {
  const unusable = [
    { prompt: "P", preferred: " ", rejected: "b" },
    { prompt: "P", preferred: "a", rejected: "a" },
    { prompt: "Q0", preferred: "good 0", rejected: "bad 0" },
  ];

  test("are left out and counted where the recipe says so", async () => {
    await write([...pairRows(40), ...unusable]);
    const dataset = await read({ ...pairs(), unusableRows: "skip" });
    expect(dataset.skippedRows).toBe(3);
    await write(pairRows(40));
    expect(groupsOf(dataset)).toEqual(groupsOf(await read(pairs())));
  });

  test("do not hide rows of another form, nor that there are no others", async () => {
    await write([...unusable, { prompt: "P", preferred: "a" }]);
    expect(await refusal({ ...pairs(), unusableRows: "skip" })).toMatch(/data\.jsonl:4: the row has no "rejected"/);
    await write(unusable.slice(0, 2));
    expect(await refusal({ ...pairs(), unusableRows: "skip" })).toMatch(/None of 2 rows can be used.*same text/);
  });
});

describe("maxRows", () => {
  const texts = async (rows: readonly unknown[], maxRows: number) => {
    await write(rows);
    const dataset = await read({ ...pairs(), maxRows });
    expect(dataset.heldOut.length).toBeGreaterThan(0);
    return groupsOf(dataset).map(({ prompt }) => prompt as string);
  };

  test("takes as many rows, the same ones in any order, on the sides where they are anyway", async () => {
    const few = await texts(pairRows(200), 20);
    expect(few).toHaveLength(20);
    expect((await texts(pairRows(200).reverse(), 20)).sort()).toEqual([...few].sort());
    expect(await texts(pairRows(200), 40)).toEqual(expect.arrayContaining(few));
    const { heldOut } = await read(pairs());
    const heldOutOfFew = (await read({ ...pairs(), maxRows: 20 })).heldOut;
    expect(heldOut).toEqual(expect.arrayContaining([...heldOutOfFew]));
  });

  test("is no matter where there are fewer", async () => {
    expect(await texts(pairRows(30), 1000)).toHaveLength(30);
  });
});

describe("a file", () => {
  test("that is not there is refused, with what to do", async () => {
    expect(await refusal(rated())).toMatch(/data\.jsonl cannot be read: there is no such file; check data\.path/);
  });

  test("without rows is refused", async () => {
    await writeFile(path, "\n\n");
    expect(await refusal(pairs())).toMatch(
      /data\.jsonl has no rows: data\.path needs \{prompt, preferred, rejected\} rows/,
    );
  });

  test("that is not JSON or not UTF-8 is refused, naming the line", async () => {
    await writeFile(path, '{"id": 1, "text": "a", "rating": 1}\n\nid,text\n');
    expect(await refusal(rated())).toMatch(/data\.jsonl:3: the line is not JSON/);
    await writeFile(path, Buffer.from([0x7b, 0x7d, 0x0a, 0x22, 0xe9, 0x22]));
    expect(await refusal(rated())).toMatch(/data\.jsonl:2: the line is not UTF-8/);
  });

  test("may lack the last newline, have a byte-order mark and Windows line ends", async () => {
    const lines = ratedRows(40).map((row) => JSON.stringify(row));
    await writeFile(path, "\ufeff" + lines.join("\r\n"));
    const { train, heldOut } = await read(rated());
    expect(train[0]!.responses.length + heldOut[0]!.responses.length).toBe(40);
  });
});
