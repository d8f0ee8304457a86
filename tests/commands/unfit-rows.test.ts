import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { writePublishedBase } from "../published-base.js";
import { createTinyProject, hasPython, type TinyProject } from "./tiny-project.js";

/** Longer than the base's context of 256 tokens. */
const LONG = " the cat is good and".repeat(60);

(hasPython ? describe : describe.skip)("rows that a published base cannot read", () => {
  let project: TinyProject;
  beforeAll(async () => {
    project = await createTinyProject();
    writePublishedBase("llama3", join(project.folder, "llama3"));
    await giveToken(join(project.folder, "llama3", "tokenizer.json"), "<think>");
  }, 120_000);
  afterAll(() => project.remove());

  const rows = Array.from({ length: 40 }, (_, i) => ({
    ...{ prompt: `is the cat ${i}?`, chosen: ` the cat ${i} is good.`, rejected: ` a dog ${i} was bad.` },
  }));
  const write = (name: string, some: readonly object[]) =>
    writeFile(join(project.folder, name), some.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const withRow = (line: number, changes: object) =>
    rows.map((row, i) => (i === line - 1 ? { ...row, ...changes } : row));

  /** Runs the recipe to its refusal. */
  async function refusal(runDir: string, data: object = {}, evaluation: object = {}): Promise<string> {
    await project.writeRecipe({
      model: { base: "llama3", shape: { kind: "lora", rank: 2, alpha: 4 } },
      data: { kind: "pairs", path: "pairs.jsonl", heldOutShare: 0.3, ...data },
      evaluation: { rollouts: 8, heldOutResponses: 8, bootstrapResamples: 100, ...evaluation },
    });
    const { stderr, exitCode } = await project.drpo(["train", "recipe.json", "--run-dir", runDir]);
    expect(exitCode).toBe(2);
    expect(await readFile(join(project.folder, runDir, "metrics.jsonl"), "utf8")).toBe("");
    return stderr;
  }

  test("a token that was added without an embedding is named, with its text and its row", async () => {
    await write("pairs.jsonl", withRow(6, { rejected: " <think> bad." }));
    expect(await refusal("token")).toMatch(
      /pairs\.jsonl:6: the rejected response holds token (\d+), and the base has embeddings for tokens 0 to \d+ only \("<think>" is token \1;.*data\.unusableRows/,
    );
  }, 240_000);

  test("a reference that is too long", async () => {
    await write("pairs.jsonl", rows);
    await write(
      "references.jsonl",
      withRow(9, { chosen: LONG }).map(({ prompt, chosen }) => ({ prompt, label: chosen })),
    );
    expect(await refusal("reference", { references: { path: "references.jsonl" } })).toMatch(
      /references\.jsonl:9: the reference has \d+ tokens, \d+ with its prompt: more than the base's context of 256/,
    );
  }, 240_000);

  test("evaluation's data by its own option, whichever row is held out", async () => {
    await write("pairs.jsonl", rows);
    await write(
      "other.jsonl",
      rows.map((row) => ({ ...row, rejected: LONG })),
    );
    const data = { kind: "pairs", path: "other.jsonl", heldOutShare: 0.3 };
    expect(await refusal("evaluation", {}, { data })).toMatch(
      /other\.jsonl:\d+: the rejected response has .*the first of \d+ rows.*evaluation\.data\.unusableRows to "skip"/,
    );
    expect(await refusal("nothing", {}, { data: { ...data, unusableRows: "skip" } })).toMatch(
      /evaluation\.data: (\d+) of the \1 rows of the held-out side do not fit, and without them it has no row/,
    );
  }, 240_000);
});

/** As people add one: to the tokenizer alone. */
async function giveToken(path: string, content: string): Promise<void> {
  const tokenizer = JSON.parse(await readFile(path, "utf8")) as {
    readonly added_tokens: { readonly id: number }[];
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  };
  const ids = [...tokenizer.added_tokens.map(({ id }) => id), ...Object.values(tokenizer.model.vocab)];
  const flags = { special: false, single_word: false, lstrip: false, rstrip: false, normalized: false };
  tokenizer.added_tokens.push({ id: Math.max(...ids) + 1, ...flags, content } as { readonly id: number });
  await writeFile(path, JSON.stringify(tokenizer));
}
