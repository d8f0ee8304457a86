import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readJsonFile } from "../../src/config/load-recipe.js";
import { loadSweep } from "../../src/config/load-sweep.js";
import { decodeText, NotTextError } from "../../src/config/text-file.js";
import { readJudges } from "../../src/commands/read-judges.js";
import { readJsonLines } from "../../src/durable-files/read-json-lines.js";
import { BadInputError } from "../../src/errors.js";
import { readJudgeTemplate } from "../../src/judge/judge-template.js";
import { readIfThere } from "../../src/run/read-if-there.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-text-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

const MARK = "\ufeff";
/** How editors of Windows write a text. */
const ENCODINGS: readonly (readonly [string, (text: string) => Uint8Array])[] = [
  ["UTF-8", (text) => Buffer.from(text)],
  ["UTF-8 with a mark", (text) => Buffer.from(MARK + text)],
  ["UTF-16", (text) => Buffer.from(MARK + text, "utf16le")],
  ["UTF-16 of the other order", (text) => Buffer.from(MARK + text, "utf16le").swap16()],
];

test.each(ENCODINGS)("any text comes back from %s", (_, encode) => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      fc.pre(!text.startsWith(MARK));
      expect(decodeText(encode(text))).toBe(text);
    }),
  );
});

test("what is not text is refused", async () => {
  expect(() => decodeText(Buffer.from([0x22, 0xe9, 0x22]))).toThrow(NotTextError);
  const path = await put("recipe.json", Buffer.from([0x22, 0xe9, 0x22]));
  await expect(readJsonFile(path)).rejects.toThrow(BadInputError);
  await expect(readJsonFile(path)).rejects.toThrow(/recipe\.json: not JSON: the file is not text in UTF-8/);
  const template = await put("template.txt", Buffer.from("{responseA} {responseB} \xe9", "latin1"));
  await expect(readJudgeTemplate(template, "judge")).rejects.toThrow(
    /template\.txt cannot be read \(.*not text in UTF-8/,
  );
});

test("a character that cannot be seen is named by its number", async () => {
  await expect(readJsonFile(await put("recipe.json", '{\u00a0"a": 1}'))).rejects.toThrow(
    /recipe\.json:1:2: not JSON: .*found the invisible character U\+00A0/,
  );
});

describe("a byte-order mark is no error", () => {
  test.each(ENCODINGS)("in recipes, sweeps, judges and templates, in %s", async (_, encode) => {
    const path = await put("recipe.json", encode('{"name": "tiny–"}'));
    expect(await readJsonFile(path)).toEqual({ name: "tiny–" });
    const sweep = { name: "sweep", recipe: "recipe.json", runs: { kind: "grid", fields: { seed: [1, 2] } } };
    expect(await loadSweep(await put("sweep.json", encode(JSON.stringify(sweep))))).toMatchObject({ recipe: path });
    const template = await put("template.txt", encode("{responseA} or {responseB}?"));
    const judge = await readJudgeTemplate(template, "judge");
    expect(judge({ prompt: "p", responseA: "a", responseB: "b" })).toBe("a or b?");
    const judges = await readJudges(await put("judges.json", encode('[{"kind": "lexicon"}]')));
    expect(judges).toMatchObject([{ kind: "lexicon" }]);
  });

  test("in files of a run that someone looked into", async () => {
    expect(await readIfThere(await put("recipe.json", `${MARK}{}`))).toBe("{}");
    const journal = await readJsonLines(await put("journal.jsonl", `${MARK}{"a":1}\n{"a":2}\n`));
    expect(journal).toMatchObject({ damagedLines: [], isTorn: false });
    expect(journal.rows.map(({ value }) => value)).toEqual([{ a: 1 }, { a: 2 }]);
  });
});
