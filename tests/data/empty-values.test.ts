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

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const times = <T>(make: (i: number) => T): readonly T[] => Array.from({ length: 30 }, (_, i) => make(i));

type Layout = { readonly rows: readonly Row[]; readonly required: readonly string[]; readonly data?: object };

const info = (i: number) => ({ id: `t${i}`, subreddit: "tea", title: `T${i}`, post: `P${i}` });
const conversation = (i: number, answer: string) => [user(`Q${i}`), assistant(answer)];

/** Rows of each layout, and the fields that must say something. */
const LAYOUTS: Readonly<Record<string, Layout>> = {
  pairs: {
    rows: times((i) => ({ prompt: `Q${i}`, chosen: `good ${i}`, rejected: "bad" })),
    required: ["prompt", "chosen", "rejected"],
  },
  messages: {
    rows: times((i) => ({ chosen: conversation(i, "yes"), rejected: conversation(i, "no") })),
    required: ["chosen", "rejected"],
  },
  "messages with a prompt": {
    rows: times((i) => ({ prompt: [user(`Q${i}`)], chosen: [assistant("yes")], rejected: [assistant("no")] })),
    required: ["prompt", "chosen", "rejected"],
  },
  hh: {
    rows: times((i) => ({
      chosen: `\n\nHuman: Q${i}\n\nAssistant: yes`,
      rejected: `\n\nHuman: Q${i}\n\nAssistant: no`,
    })),
    required: ["chosen", "rejected"],
  },
  "summarize-from-feedback": {
    rows: times((i) => ({ info: info(i), summaries: [{ text: "a" }, { text: "b" }], choice: i % 2 })),
    required: ["info", "summaries", "choice"],
  },
  rated: {
    rows: times((i) => ({ id: `r${i}`, text: `T${i}`, rating: i % 5 })),
    required: ["id", "text", "rating"],
    data: { kind: "rated", prompt: "?" },
  },
};

const REFERENCES: Readonly<Record<string, Layout>> = {
  text: { rows: times((i) => ({ prompt: `Q${i}`, label: `A${i}` })), required: ["prompt", "label"] },
  tldr: { rows: times((i) => ({ ...info(i), summary: "s" })), required: ["post", "summary"] },
  "cnn-dailymail": {
    rows: times((i) => ({ article: `A${i}`, highlights: "h" })),
    required: ["article", "highlights"],
  },
  messages: { rows: times((i) => ({ messages: conversation(i, "so") })), required: ["messages"] },
  "messages beside their prompt": {
    rows: times((i) => ({ prompt: [user(`Q${i}`)], completion: [assistant("so")] })),
    required: ["prompt", "completion"],
  },
};

const EMPTY: readonly (readonly [unknown, string])[] = [
  [null, "null"],
  ["", "empty"],
  [" \n", "empty"],
  [[], "an empty list"],
];

const section = (layout: Layout, path: string, changes: object = {}) =>
  ({ kind: "pairs", heldOutShare: 0.4, path, ...layout.data, ...changes }) as WrittenData;

const fieldsOf = (layouts: Readonly<Record<string, Layout>>) =>
  Object.entries(layouts).flatMap(([name, layout]) =>
    layout.required.map((field) => [name, field, layout] as [string, string, Layout]),
  );

describe("a required field with nothing in it makes its row unusable", () => {
  test.each(fieldsOf(LAYOUTS))("%s: %s", async (_, field, layout) => {
    for (const [value, word] of EMPTY) {
      // First and last: the layout is told from the others.
      const empty = { ...layout.rows[0], [field]: value };
      const path = await folder.write("data.jsonl", [empty, ...layout.rows.slice(1), empty]);
      const message = await refusal(section(layout, path));
      expect(message).toContain(`data.jsonl:1: "${field}" is ${word};`);
      expect(message).toContain('set data.unusableRows to "skip"');
      const dataset = await read(section(layout, path, { unusableRows: "skip" }));
      expect(dataset.skippedRows).toBe(2);
    }
    const without = Object.fromEntries(Object.entries(layout.rows[0]!).filter(([name]) => name !== field));
    const path = await folder.write("data.jsonl", [...layout.rows.slice(1), without]);
    const message = await refusal(section(layout, path, { unusableRows: "skip" }));
    expect(message).toMatch(/data\.jsonl:30: (the row has no "|"\w+" is missing|"chosen" has nothing before)/);
    expect(message).not.toMatch(/is null|is empty/);
  });

  test.each(fieldsOf(REFERENCES))("references, %s: %s", async (_, field, layout) => {
    const pairs = await folder.write("pairs.jsonl", LAYOUTS["pairs"]!.rows);
    for (const [value, word] of EMPTY) {
      const empty = { ...layout.rows[0], [field]: value };
      const path = await folder.write("references.jsonl", [empty, ...layout.rows.slice(1)]);
      const options = { ...section(layout, pairs), references: { path } };
      expect(await refusal(options)).toContain(`references.jsonl:1: "${field}" is ${word};`);
      const dataset = await read({ ...options, unusableRows: "skip" });
      expect([dataset.skippedRows, groupsOf(dataset).length]).toEqual([1, 59]);
    }
  });

  test.each(["pairs", "rated"])("Parquet, where NaN and null are what is missing: %s", async (name) => {
    const layout = LAYOUTS[name]!;
    const [field, value, word] = name === "rated" ? ["rating", NaN, "NaN"] : ["chosen", null, "null"];
    const rows = [...layout.rows.slice(1), { ...layout.rows[0], [field]: value }];
    const path = await folder.write(
      "data.parquet",
      rows.map((row) => ({ ...row })),
    );
    expect(await refusal(section(layout, path))).toContain(`data.parquet: row 30: "${field}" is ${word};`);
    expect((await read(section(layout, path, { unusableRows: "skip" }))).skippedRows).toBe(1);
  });

  test("NaN as Python writes it into JSON, too, and only there where it is needed", async () => {
    const { writeFile } = await import("node:fs/promises");
    const path = await folder.write("data.jsonl", []);
    const lines = times((i) => `{"prompt": "Q${i}", "chosen": "a", "rejected": "b", "score": NaN}\n`);
    await writeFile(path, `${lines.join("")}{"prompt": "P", "chosen": NaN, "rejected": "b", "score": -Infinity}\n`);
    expect(await refusal(section(LAYOUTS["pairs"]!, path))).toContain('data.jsonl:31: "chosen" is NaN;');
    expect((await read(section(LAYOUTS["pairs"]!, path, { unusableRows: "skip" }))).skippedRows).toBe(1);
  });
});

describe("messages", () => {
  const others = LAYOUTS["messages"]!.rows;
  const whole = (...before: unknown[]) => ({
    chosen: [...before, user("Why?"), assistant("So.")],
    rejected: [...before, user("Why?"), assistant("Eh.")],
  });
  const data = async (row: Row, changes: object = {}) =>
    section(LAYOUTS["messages"]!, await folder.write("data.jsonl", [...others, row]), changes);

  test.each<[string, Row, string]>([
    ["a turn that is null", whole(null), '"chosen"[0] is null'],
    ["a call of a tool", whole(user("a"), { ...assistant(null), tool_calls: [] }), 'content of "chosen"[1] is null'],
    ["a tool without an answer", whole({ role: "tool", content: null }), 'content of "chosen"[0] is null'],
    ["an empty turn", whole(user(""), assistant("b")), 'the content of "chosen"[0] is empty'],
    ["no role", whole({ role: null, content: "a" }), 'the role of "chosen"[0] is null'],
    [
      "a last turn of null",
      { ...whole(), rejected: [user("Why?"), assistant(null)] },
      'last message of "rejected" is null',
    ],
  ])("%s makes the row unusable", async (_, row, problem) => {
    expect(await refusal(await data(row))).toMatch(/data\.jsonl:31: /);
    expect(await refusal(await data(row))).toContain(problem);
    expect((await read(await data(row, { unusableRows: "skip" }))).skippedRows).toBe(1);
  });

  test.each([null, ""])("a system prompt may be %j", async (content) => {
    const groups = groupsOf(await read(await data(whole({ role: "system", content }))));
    expect(groups.map(({ prompt }) => prompt)).toContainEqual([{ role: "system", content: "" }, user("Why?")]);
  });

  test("beside a prompt column with nothing in it", async () => {
    for (const prompt of [null, ""]) {
      expect(groupsOf(await read(await data({ ...whole(), prompt })))).toHaveLength(31);
    }
  });
});

describe("an optional field with nothing in it is not there", () => {
  test.each(["id", "reference"])("%s", async (field) => {
    const rows = times((i) => ({ prompt: `Q${i}`, chosen: "a", rejected: "b" }));
    const plain = groupsOf(await read(section(LAYOUTS["pairs"]!, await folder.write("plain.jsonl", rows))));
    for (const value of [null, ""]) {
      const path = await folder.write(
        "data.jsonl",
        rows.map((row) => ({ ...row, [field]: value })),
      );
      expect(groupsOf(await read(section(LAYOUTS["pairs"]!, path)))).toEqual(plain);
    }
  });

  test("one of two names of a field, as in a table of both", async () => {
    const rows = times((i) => ({ prompt: `Q${i}`, chosen: "a", preferred: i % 2 ? null : "", rejected: "b" }));
    expect(groupsOf(await read(section(LAYOUTS["pairs"]!, await folder.write("data.parquet", rows))))).toHaveLength(30);
  });

  test("the title of a post", async () => {
    const rows = times((i) => ({
      info: { ...info(i), title: i % 2 ? null : "" },
      summaries: [{ text: "a" }, { text: "b" }],
      choice: 0,
    }));
    const groups = groupsOf(await read(section(LAYOUTS["pairs"]!, await folder.write("data.jsonl", rows))));
    expect(groups.map(({ prompt }) => prompt)).toContain("SUBREDDIT: r/tea\n\nTITLE: \n\nPOST: P3\n\nTL;DR: ");
  });
});

describe("a prompt's template", () => {
  const answers = { chosen: "a", rejected: "b" };
  const read30 = async (make: (i: number) => Row, changes: object = {}) => {
    const path = await folder.write("data.jsonl", times(make));
    const options = section(LAYOUTS["pairs"]!, path, { promptTemplate: "{system}{question}", ...changes });
    return {
      options,
      prompts: async () =>
        groupsOf(await read(options))
          .map(({ prompt }) => prompt)
          .sort(),
    };
  };

  test.each<[string, Row]>([
    ["null", { system: null }],
    ["empty", { system: "" }],
    ["missing from the row", {}],
  ])("may name a field that is %s", async (_, empty) => {
    const row = (i: number) => ({ ...(i % 3 ? empty : { system: "Be short. " }), question: `Q${i}`, ...answers });
    const { prompts } = await read30(row);
    expect(await prompts()).toEqual([...times((i) => (i % 3 ? `Q${i}` : `Be short. Q${i}`))].sort());
  });

  test("needs text in one of them", async () => {
    const row = (i: number) => ({ system: i === 4 ? null : "S", question: i === 4 ? "" : `Q${i}`, ...answers });
    const { options } = await read30(row);
    expect(await refusal(options)).toContain(
      'data.jsonl:5: the prompt has no text: "system" is null, "question" is empty;',
    );
    expect((await read({ ...options, unusableRows: "skip" })).skippedRows).toBe(1);
  });

  test("names no field that all rows lack", async () => {
    const { options } = await read30((i) => ({ question: `Q${i}`, ...answers }));
    expect(await refusal(options)).toMatch(
      /the row has no "system", a field of its prompt; its fields are question, chosen, rejected/,
    );
  });
});
