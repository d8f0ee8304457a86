import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parquetWriteBuffer, type BasicType } from "hyparquet-writer";
import { readResetPool } from "../../src/data/read-reset-pool.js";
import type { PreferenceDataset } from "../../src/domain/preference-dataset.js";
import { BadInputError } from "../../src/errors.js";
import { createDataFolder, groupsOf, read, type DataFolder, type Row, type WrittenData } from "./data-folder.js";

let folder: DataFolder;
beforeEach(async () => {
  folder = await createDataFolder();
});
afterEach(() => folder.remove());

const turn = (role: string, content: string) => ({ role, content });
const talk = (i: number, answer: string) => [turn("user", `Q${i}`), turn("assistant", answer)];
const info = (i: number) => ({ id: `t${i}`, subreddit: "tea", title: `T${i}`, post: `P${i}`, article: null });
const times = (make: (i: number) => Row, length = 12): readonly Row[] => Array.from({ length }, (_, i) => make(i));

/** Rows of each layout with every field it looks at, and one that it does not. */
const PAIRS: Readonly<Record<string, readonly Row[]>> = {
  pairs: times((i) => ({ id: i, prompt: `Q${i}`, chosen: `a${i}`, rejected: "b", reference: "c", other: 1 })),
  messages: times((i) => ({ id: i, prompt: `Q${i}`, chosen: talk(i, "a"), rejected: talk(i, "b"), other: 1 })),
  "own prompt": times((i) => ({ id: i, prompt: [turn("user", `Q${i}`)], preferred: `a${i}`, rejected: "b" })),
  hh: times((i) => ({ chosen: `\n\nHuman: Q${i}\n\nAssistant: a`, rejected: `\n\nHuman: Q${i}\n\nAssistant: b` })),
  summaries: times((i) => ({ info: info(i), summaries: [{ text: "a" }, { text: "b" }], choice: 0, worker: "w" })),
};
const REFERENCES: Readonly<Record<string, readonly Row[]>> = {
  text: times((i) => ({ id: i, prompt: `Q${i}`, label: `A${i}`, other: 1 })),
  tldr: times((i) => ({ ...info(i), summary: "s" })),
  "cnn-dailymail": times((i) => ({ id: i, article: `A${i}`, highlights: "h" })),
  messages: times((i) => ({ messages: talk(i, "so") })),
};
const RATED = times((i) => ({ id: i, text: `T${i}`, rating: i % 4 }), 40);

/** JSON as text, with numbers that no double holds, and what Python writes for numbers that are none. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(
      "null",
      "NaN",
      "Infinity",
      '""',
      "[]",
      "{}",
      "true",
      "1.0",
      "-0",
      "1e400",
      "[null]",
      '{"role": null}',
    ),
    fc.bigInt(-(10n ** 25n), 10n ** 25n).map(String),
    fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
    fc.dictionary(fc.constantFrom("role", "content", "text", "id", "__proto__"), tie("value"), { maxKeys: 3 }).map(
      (fields) =>
        `{${Object.entries(fields)
          .map(([key, value]) => `"${key}":${value}`)
          .join(",")}}`,
    ),
  ),
})).value;

/** A place in a row: a field, or one within it. */
const places = (row: Row): readonly string[] => Object.keys(row);

/** The row as JSON with another value in one place. */
const withValue = (row: Row, field: string, json: string): string =>
  `{${Object.entries(row)
    .map(([name, value]) => `${JSON.stringify(name)}:${name === field ? json : JSON.stringify(value)}`)
    .join(",")}}`;

const cases = (layouts: Readonly<Record<string, readonly Row[]>>) =>
  fc
    .constantFrom(...Object.entries(layouts).flatMap(([, rows]) => places(rows[0]!).map((field) => ({ rows, field }))))
    .chain((place) => fc.tuple(fc.constant(place), jsonText, fc.nat({ max: place.rows.length - 1 })));

async function outcome<T>(work: Promise<T>): Promise<T | BadInputError> {
  try {
    return await work;
  } catch (error) {
    expect(error).toBeInstanceOf(BadInputError);
    return error as BadInputError;
  }
}

/** Every text of a dataset. */
const textsOf = (dataset: PreferenceDataset): readonly string[] =>
  groupsOf(dataset).flatMap(({ prompt, responses, reference }) => [
    ...(typeof prompt === "string" ? [prompt] : prompt.map(({ content }) => content)),
    ...[...responses, ...(reference ? [reference] : [])].map(({ text }) => text),
  ]);

describe("any JSON value in any field is read, refused by row or counted, and changes no other row", () => {
  async function check(
    rows: readonly Row[],
    at: number,
    lines: readonly string[],
    dataOf: (path: string) => WrittenData,
  ) {
    const path = join(folder.path, "data.jsonl");
    await writeFile(path, lines.join("\n"));
    const options = dataOf(path);
    const found = await outcome(read(options));
    if (found instanceof BadInputError) {
      expect(found.message).toMatch(/data\.jsonl(:\d+|: of \d+ rows)|could be of layout/);
      return;
    }
    await folder.write(
      "data.jsonl",
      rows.filter((_, i) => i !== at),
    );
    const others = textsOf(await read({ ...options, heldOutShare: 0.5 }));
    const texts = textsOf(found);
    for (const text of others) expect(texts).toContain(text);
    // What is new stands in the row as it was written.
    const written = lines[at]!;
    for (const text of texts.filter((one) => !others.includes(one))) {
      const parts = text.split(/SUBREDDIT: r\/|\n\nTITLE: |\n\nPOST: |\n\nTL;DR: |\n\nHuman:|\n\nAssistant:/);
      for (const part of parts) expect(written).toContain(JSON.stringify(part).slice(1, -1).trim());
    }
  }

  test.each(["skip", "refuse"] as const)("of pairs (%s)", async (unusableRows) => {
    await fc.assert(
      fc.asyncProperty(cases(PAIRS), ([{ rows, field }, json, at]) => {
        const lines = rows.map((row, i) => (i === at ? withValue(row, field, json) : JSON.stringify(row)));
        return check(rows, at, lines, (path) => ({ kind: "pairs", path, heldOutShare: 0.5, unusableRows }));
      }),
      { numRuns: 250 },
    );
  });

  test("of references", async () => {
    const pairs = await folder.write("pairs.jsonl", PAIRS["pairs"]!);
    await fc.assert(
      fc.asyncProperty(cases(REFERENCES), ([{ rows, field }, json, at]) => {
        const lines = rows.map((row, i) => (i === at ? withValue(row, field, json) : JSON.stringify(row)));
        return check(rows, at, lines, (path) => ({
          kind: "pairs",
          path: pairs,
          heldOutShare: 0.5,
          unusableRows: "skip",
          references: { path },
        }));
      }),
      { numRuns: 150 },
    );
  });

  test("of rated responses and of pools", async () => {
    await fc.assert(
      fc.asyncProperty(cases({ rated: RATED }), ([{ rows, field }, json, at]) => {
        const lines = rows.map((row, i) => (i === at ? withValue(row, field, json) : JSON.stringify(row)));
        return check(rows, at, lines, (path) => ({
          ...{ kind: "rated", prompt: "?", path, heldOutShare: 0.5, unusableRows: "skip" },
        }));
      }),
      { numRuns: 100 },
    );
    const pool = {
      pool: times((i) => ({ id: i, prompt: `Q${i}`, promptTokens: null, response: null, responseTokens: [1] })),
    };
    await fc.assert(
      fc.asyncProperty(cases(pool), async ([{ rows, field }, json, at]) => {
        const path = join(folder.path, "pool.jsonl");
        await writeFile(
          path,
          rows.map((row, i) => (i === at ? withValue(row, field, json) : JSON.stringify(row))).join("\n"),
        );
        const found = await outcome(readResetPool(path, 10));
        if (found instanceof BadInputError) expect(found.message).toMatch(/pool\.jsonl:\d+/);
        else expect(found.rows).toHaveLength(12);
      }),
      { numRuns: 100 },
    );
  });
});

describe("any Parquet column in any field is read, refused by row or counted", () => {
  const column: fc.Arbitrary<{ readonly type: BasicType; readonly data: unknown[] }> = fc.oneof(
    ...(
      [
        ["BOOLEAN", fc.boolean()],
        ["INT32", fc.integer()],
        ["INT64", fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)],
        ["DOUBLE", fc.double()],
        ["FLOAT", fc.float()],
        ["STRING", fc.string({ unit: "grapheme" })],
        ["BYTE_ARRAY", fc.uint8Array({ maxLength: 6 })],
        ["TIMESTAMP", fc.date({ min: new Date(0), max: new Date(2e12), noInvalidDate: true })],
        ["JSON", fc.jsonValue({ maxDepth: 2 })],
      ] as readonly (readonly [BasicType, fc.Arbitrary<unknown>])[]
    ).map(([type, value]) =>
      fc.array(fc.option(value), { minLength: 40, maxLength: 40 }).map((data) => ({ type, data })),
    ),
  );

  test.each([
    ["pairs", PAIRS["pairs"]!, { kind: "pairs" }],
    ["rated", RATED, { kind: "rated", prompt: "?" }],
    ["hh", PAIRS["hh"]!, { kind: "pairs", layout: "hh" }],
    ["a template", PAIRS["pairs"]!, { kind: "pairs", layout: "pairs", promptTemplate: "{prompt}{id}{other}" }],
  ])("%s", async (_, rows, options) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(rows[0]!)), column, async (field, { type, data }) => {
        const columnData = Object.keys(rows[0]!).map((name) =>
          name === field
            ? { name, type, data: data.slice(0, rows.length) }
            : { name, data: rows.map((row) => row[name]) },
        );
        const path = join(folder.path, "data.parquet");
        await writeFile(path, Buffer.from(parquetWriteBuffer({ columnData: columnData })));
        const found = await outcome(read({ ...options, path, heldOutShare: 0.5, unusableRows: "skip" } as WrittenData));
        if (found instanceof BadInputError) {
          expect(found.message).toMatch(/data\.parquet: (row \d+|of \d+ rows)|None of \d+ rows/);
          return;
        }
        const groups = groupsOf(found);
        const kept = options.kind === "rated" ? groups.flatMap(({ responses }) => responses) : groups;
        expect(kept.length + found.skippedRows).toBe(rows.length);
        if (["id", "other", "reference"].includes(field) || type !== "STRING") return;
        const texts = textsOf(found);
        for (const text of (data.slice(0, rows.length) as (string | null)[]).filter(
          (one) => one !== null && one.trim() !== "",
        ))
          if (found.skippedRows === 0) expect(texts.some((one) => one.includes(text!))).toBe(true);
      }),
      { numRuns: 120 },
    );
  });
});
