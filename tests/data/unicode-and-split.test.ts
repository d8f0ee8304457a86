import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { promptKey } from "../../src/domain/prompt-key.js";
import { createDataFolder, groupsOf, read, readWithPlaces, refusal, type DataFolder } from "./data-folder.js";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => folder.remove());

const pairRows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ prompt: `Q${i}`, chosen: `good ${i}`, rejected: `bad ${i}` }));
const pairs = async (rows: readonly unknown[], changes: object = {}) => ({
  ...{ kind: "pairs" as const, path: await folder.write("data.jsonl", rows), heldOutShare: 0.3 },
  ...changes,
});

describe("texts that are not Unicode", () => {
  test.each([
    ["a response", { prompt: "P", chosen: "a \ud83d b", rejected: "b" }, "chosen"],
    ["a prompt", { prompt: "\udc00", chosen: "a", rejected: "b" }, "prompt"],
    ["an id", { id: "\ud800", prompt: "P", chosen: "a", rejected: "b" }, "id"],
    ["a reference", { prompt: "P", chosen: "a", rejected: "b", reference: "\ude00\ud83d" }, "reference"],
  ])("in %s: the row is unusable", async (_, row, field) => {
    const rows = [...pairRows(40), row];
    const message = await refusal(await pairs(rows));
    expect(message).toContain(`data.jsonl:41: "${field}" is not Unicode text`);
    expect(message).toContain('data.unusableRows to "skip"');
    const dataset = await read(await pairs(rows, { unusableRows: "skip" }));
    expect([dataset.skippedRows, groupsOf(dataset).length]).toEqual([1, 40]);
  });

  test("in a message of a conversation too, and in references; whole pairs and other fields are fine", async () => {
    const chat = (content: string) => [
      { role: "user", content },
      { role: "assistant", content: "a" },
    ];
    const rows = pairRows(40).map(({ prompt }) => ({
      chosen: chat(prompt),
      rejected: [chat(prompt)[0], { role: "assistant", content: "b" }],
    }));
    const bad = { chosen: chat("\ud83d"), rejected: [chat("\ud83d")[0], { role: "assistant", content: "b" }] };
    expect(await refusal(await pairs([...rows, bad]))).toMatch(/data\.jsonl:41: "chosen\.0\.content" is not Unicode/);
    const references = { path: await folder.write("r.jsonl", [{ prompt: "Q1", label: "\ud83d" }]) };
    expect(await refusal(await pairs(pairRows(40), { references }))).toMatch(/r\.jsonl:1: "label" is not Unicode/);
    const fine = { prompt: "\u{1f600}", chosen: "\u{1f601}", rejected: "b", comment: "\ud800" };
    expect(groupsOf(await read(await pairs([...pairRows(40), fine])))).toHaveLength(41);
  });

  test("any text is either read as it is, or refused because UTF-8 cannot write it", async () => {
    const text = fc.string({ unit: "binary", minLength: 1 }).filter((one) => one.trim() !== "");
    const cut = fc.oneof(
      text,
      fc.tuple(text, text).map(([a, b]) => `${a}\u{1f600}${b}`.slice(0, a.length + 1)),
    );
    await fc.assert(
      fc.asyncProperty(cut, async (response) => {
        const rows = [...pairRows(40), { prompt: "P", chosen: response, rejected: `not ${response}` }];
        const dataset = await read(await pairs(rows, { unusableRows: "skip" }));
        const group = groupsOf(dataset).find(({ prompt }) => prompt === "P");
        const survives = Buffer.from(response, "utf8").toString("utf8") === response;
        expect(group?.responses[0]!.text).toBe(survives ? response : undefined);
        expect(dataset.skippedRows).toBe(survives ? 0 : 1);
      }),
      { numRuns: 40 },
    );
  });
});

test("a rating that is infinite is an unusable row", async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ id: i, text: `T${i}`, rating: i % 3 }));
  const path = await folder.write("rated.jsonl", rows);
  const { appendFile } = await import("node:fs/promises");
  await appendFile(path, '{"id": "x", "text": "T", "rating": 1e999}\n');
  const data = { kind: "rated" as const, path, prompt: "P", heldOutShare: 0.3 };
  expect(await refusal(data)).toMatch(/rated\.jsonl:41: "rating" is 1e999, not a finite number.*data\.unusableRows/);
  expect((await read({ ...data, unusableRows: "skip" })).skippedRows).toBe(1);
});

test("groups and responses know the rows that they were read from", async () => {
  const { train, heldOut } = await readWithPlaces(await pairs(pairRows(40)));
  for (const { prompt, where, responses } of [...train, ...heldOut]) {
    const line = Number((prompt as string).slice(1)) + 1;
    expect([where, ...responses.map((one) => one.where)]).toEqual(
      new Array(3).fill(expect.stringMatching(new RegExp(`data\\.jsonl:${line}$`))),
    );
  }
});

describe("the split", () => {
  const promptsOf = (side: readonly { readonly prompt: Parameters<typeof promptKey>[0] }[]) =>
    new Set(side.map(({ prompt }) => promptKey(prompt)));

  test("has no prompt on both sides, with ids or without, of references too, for any rows", async () => {
    const row = fc.record({ prompt: fc.integer({ min: 0, max: 30 }), hasId: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), fc.boolean(), async (drawn, isChat) => {
        const prompt = (i: number) => (isChat ? [{ role: "user", content: `P${i}` }] : `P${i}`);
        const response = (text: string) => (isChat ? [{ role: "assistant", content: text }] : text);
        // These make sure that neither side is empty.
        const all = [...drawn, ...Array.from({ length: 40 }, (_, i) => ({ prompt: 100 + i, hasId: i % 2 === 0 }))];
        const rows = all.map((one, i) => ({
          ...(one.hasId ? { id: `row ${i}` } : {}),
          ...{ prompt: prompt(one.prompt), chosen: response(`good ${i}`), rejected: response(`bad ${i}`) },
        }));
        const referenceRows = all.map((one, i) => ({
          ...(one.hasId ? {} : { id: `reference ${i}` }),
          ...{ prompt: prompt(one.prompt), completion: response(`human ${i}`) },
        }));
        const references = { path: await folder.write("references.jsonl", referenceRows) };
        const { train, heldOut } = await read(await pairs(rows, { references }));
        expect(train.length + heldOut.length).toBe(2 * all.length);
        const trained = promptsOf(train);
        expect([...promptsOf(heldOut)].filter((one) => trained.has(one))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("tells prompts apart that differ in a space or in their normal form", async () => {
    const rows = Array.from({ length: 40 }, (_, i) =>
      ["e\u0301", "\u00e9", "\u00e9 "].map((text) => `${text} ${i}`),
    ).flat();
    const { train, heldOut } = await read(await pairs(rows.map((prompt) => ({ prompt, chosen: "a", rejected: "b" }))));
    expect(promptsOf([...train, ...heldOut]).size).toBe(120);
  });

  test("by id is what it was before there was a choice, and so is the hash where no id decides", async () => {
    const withIds = pairRows(40).map((row, i) => ({ id: i, ...row }));
    const hash = async (rows: readonly unknown[], splitBy: "prompt" | "id") =>
      (await read(await pairs(rows, { splitBy }))).hash;
    expect(await hash(pairRows(40), "prompt")).toBe(await hash(pairRows(40), "id"));
    expect(await hash(withIds, "prompt")).not.toBe(await hash(withIds, "id"));
  });

  test("says how to split a dataset of one prompt", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({ id: i, prompt: "P", chosen: `a${i}`, rejected: "b" }));
    expect(await refusal(await pairs(rows))).toMatch(
      /all rows to one prompt fall on one side, unless data\.splitBy is "id"/,
    );
  });
});
