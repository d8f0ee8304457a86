import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  createDataFolder,
  groupsOf,
  read,
  refusal,
  type DataFolder,
  type Row,
  type WrittenData,
} from "./data-folder.js";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => folder.remove());

type Data = WrittenData & { kind: "pairs" };
type Changes = Partial<Omit<Data, "kind" | "path" | "references">>;

const comparisons = Array.from({ length: 60 }, (_, i) => ({
  prompt: `Q${i}`,
  chosen: `good ${i}`,
  rejected: `bad ${i}`,
}));

async function data(
  rows: readonly Row[],
  references: Partial<NonNullable<Data["references"]>> = {},
  { pairs = comparisons, ...changes }: Changes & { pairs?: readonly Row[] } = {},
  name = "references.jsonl",
): Promise<Data> {
  return {
    ...{ kind: "pairs", heldOutShare: 0.3, ...changes },
    path: await folder.write("pairs.jsonl", pairs),
    references: { path: await folder.write(name, rows), ...references },
  };
}

/** Prompts and texts of the references. */
const referencesOf = (dataset: Awaited<ReturnType<typeof read>>) =>
  groupsOf(dataset).flatMap(({ prompt, reference }) => (reference ? [[prompt, reference.text]] : []));

const times = <T>(make: (i: number) => T): readonly T[] => Array.from({ length: 60 }, (_, i) => make(i));

describe("references", () => {
  test("are groups without rated responses, after the comparisons, on the side of their prompts", async () => {
    const dataset = await read(await data(times((i) => ({ prompt: `Q${i}`, label: `human ${i}` }))));
    for (const side of [dataset.train, dataset.heldOut]) {
      const rated = side.filter(({ responses }) => responses.length > 0);
      const others = side.filter(({ responses }) => responses.length === 0);
      expect(side).toEqual([...rated, ...others]);
      expect(others.map(({ prompt }) => prompt)).toEqual(rated.map(({ prompt }) => prompt));
      expect(rated.length).toBeGreaterThan(0);
      expect(rated.every(({ reference }) => reference === null)).toBe(true);
      for (const { id, reference } of others) expect(reference).toMatchObject({ id, rating: 1 });
    }
    expect(new Set(groupsOf(dataset).map(({ id }) => id)).size).toBe(120);
  });

  test("of one post are on the side of its comparisons, by their ids", async () => {
    const info = (i: number) => ({ id: `t3_${i}`, subreddit: "tea", title: `T${i}`, post: `P${i}` });
    const pairs = times((i) => ({ info: info(i), summaries: [{ text: " a" }, { text: " b" }], choice: 0 }));
    const rows = times((i) => ({ ...info(59 - i), summary: ` Human ${59 - i} ` }));
    const dataset = await read(await data(rows, {}, { pairs }));
    for (const side of [dataset.train, dataset.heldOut]) {
      const prompts = (has: boolean) =>
        side.filter(({ reference }) => (reference !== null) === has).map(({ prompt }) => prompt);
      expect([...prompts(true)].sort()).toEqual([...prompts(false)].sort());
    }
    expect(referencesOf(dataset)).toContainEqual(["SUBREDDIT: r/tea\n\nTITLE: T7\n\nPOST: P7\n\nTL;DR: ", "Human 7"]);
  });

  test("have a share of their own where it is given, and at most so many rows", async () => {
    const rows = times((i) => ({ prompt: `Q${i}`, label: `human ${i}` }));
    const { heldOut } = await read(await data(rows, { heldOutShare: 0.9 }));
    const prompts = (has: boolean) =>
      heldOut.filter(({ reference }) => (reference !== null) === has).map(({ prompt }) => prompt);
    expect(prompts(true)).toEqual(expect.arrayContaining(prompts(false)));
    expect(prompts(true).length).toBeGreaterThan(prompts(false).length);
    expect(referencesOf(await read(await data(rows, { maxRows: 30 })))).toHaveLength(30);
    expect(await refusal(await data(rows, { heldOutShare: 0.0001 }))).toMatch(
      /references\.jsonl: of 60 rows, none falls on the held-out side\. Raise data\.references\.heldOutShare \(0\.0001\)/,
    );
  });

  test("stay on their side when rows are added", async () => {
    const rows = times((i) => ({ prompt: `Q${i}`, label: `human ${i}` }));
    const heldOut = async (all: readonly Row[]) => (await read(await data(all))).heldOut.map(({ id }) => id);
    const before = await heldOut(rows);
    expect(await heldOut([{ prompt: "new", label: "new" }, ...rows])).toEqual(expect.arrayContaining(before));
  });

  test("go into the hash, with their options", async () => {
    const rows = times((i) => ({ prompt: `Q${i}`, label: `human ${i}` }));
    const hashes = [
      (await read({ ...(await data(rows)), references: undefined })).hash,
      (await read(await data(rows))).hash,
      (await read(await data(rows.slice(1)))).hash,
      (await read(await data(rows, { promptTemplate: "{prompt}?" }))).hash,
      (await read(await data(rows, {}, { maxPromptTokens: 9 }))).hash,
      (await read(await data(rows, {}, { maxPromptTokens: 9, truncatePrompt: "left" }))).hash,
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect((await read(await data(rows, {}, {}, "moved.jsonl"))).hash).toBe(hashes[1]);
  });

  test("that are in rated data too", async () => {
    const rated = await folder.write(
      "rated.jsonl",
      times((i) => ({ id: i, text: `T${i}`, rating: i % 3 })),
    );
    const references = {
      path: await folder.write(
        "r.jsonl",
        times((i) => ({ prompt: `Q${i}`, response: "a" })),
      ),
    };
    const dataset = await read({ kind: "rated", path: rated, prompt: "?", heldOutShare: 0.3, references });
    expect(referencesOf(dataset)).toHaveLength(60);
    expect(dataset.train[0]!.reference).toBeNull();
  });
});

describe("layouts of references", () => {
  test.each(["reference", "label", "response", "completion"])("text, with a %s", async (name) => {
    const dataset = await read(await data(times((i) => ({ prompt: `P${i}`, [name]: ` human ${i}` }))));
    expect(referencesOf(dataset)).toContainEqual(["P7", " human 7"]);
  });

  test.each(["references.jsonl", "references.parquet"])("cnn-dailymail, in %s", async (name) => {
    const rows = times((i) => ({ article: `Article ${i}.`, highlights: `Point ${i} .\nMore .`, id: `h${i}` }));
    const dataset = await read(await data(rows, {}, {}, name));
    expect(referencesOf(dataset)).toContainEqual(["Article 7.\n\nTL;DR: ", "Point 7 .\nMore ."]);
  });

  test("messages, whole or beside their prompt", async () => {
    const user = { role: "user", content: "Why?" };
    const whole = (i: number) => ({
      messages: [
        { ...user, content: `Q${i}` },
        { role: "assistant", content: "So." },
      ],
    });
    const beside = { prompt: [user], completion: [{ role: "assistant", content: "Because." }] };
    const found = referencesOf(await read(await data([...times(whole), beside])));
    expect(found).toContainEqual([[{ role: "user", content: "Q7" }], "So."]);
    expect(found).toContainEqual([[user], "Because."]);
  });

  test("have the comparisons' template unless they have their own", async () => {
    const post = (i: number) => ({ subreddit: "tea", title: `T${i}`, post: `P${i}` });
    const pairs = times((i) => ({ ...post(i), chosen: "a", rejected: "b" }));
    const rows = times((i) => ({ ...post(i), summary: " S" }));
    const promptTemplate = "{title}\nTL;DR:";
    const inherited = await read(await data(rows, {}, { pairs, promptTemplate }));
    expect(referencesOf(inherited)).toContainEqual(["T7\nTL;DR:", " S"]);
    const own = await read(await data(rows, { promptTemplate: "{post}: " }, { pairs, promptTemplate }));
    expect(referencesOf(own)).toContainEqual(["P7: ", "S"]);
  });

  test.each([
    [
      "no reference",
      { prompt: "P" },
      /references\.jsonl:3: the row has no "reference" or "label" or "response" or "completion"/,
    ],
    [
      "two references",
      { prompt: "P", label: "a", response: "b" },
      /references\.jsonl:3: the row has both "label" and "response"/,
    ],
    ["an empty one", { prompt: "P", label: "" }, /references\.jsonl:3: "label" is empty/],
    ["no prompt", { label: "a" }, /references\.jsonl:3: the row has no "prompt"/],
    ["a repetition", { prompt: "Q0", label: "human 0" }, /references\.jsonl:3: the row repeats .*references\.jsonl:1/],
  ])("with %s are refused, naming the line", async (_, row, message) => {
    const rows = times((i) => ({ prompt: `Q${i}`, label: `human ${i}` })).slice(0, 2);
    expect(await refusal(await data([...rows, row]))).toMatch(message);
  });

  test("that are unknown, and files that are not there, are refused", async () => {
    expect(await refusal(await data([{ question: "a", answer: "b" }]))).toMatch(
      /references\.jsonl:1: the fields question, answer are those of no layout\. Set data\.references\.layout.*cnn-dailymail/,
    );
    expect(await refusal(await data(comparisons, { path: "/nowhere/r.jsonl" }))).toMatch(
      /r\.jsonl cannot be read: there is no such file; check data\.references\.path/,
    );
  });
});
