import { afterEach, expect, test } from "@jest/globals";
import { dataSchema } from "../../src/config/data.js";
import type { PreferenceGroup } from "../../src/domain/preference-dataset.js";
import { noteTexts } from "../../src/stages/note-texts.js";
import { tokenizeGroups } from "../../src/stages/tokenize-groups.js";
import type { TestbedOptions } from "../../src/testbed/start-testbed.js";
import { connectToTestbed, EOS, type TestbedConnection } from "../rpc/testbed-connection.js";

let connection: TestbedConnection | undefined;
afterEach(() => connection?.end());

const group = (id: string, prompt: PreferenceGroup["prompt"], text = "a"): PreferenceGroup => ({
  ...{ id, prompt, reference: null },
  responses: [{ id: `${id}/preferred`, text, rating: 1 }],
});

/** What a run of these groups notes. */
async function notes(
  train: readonly PreferenceGroup[],
  changes: { readonly testbed?: Partial<TestbedOptions>; readonly data?: object } = {},
): Promise<readonly string[]> {
  connection = await connectToTestbed(changes.testbed);
  const { tokenizer } = connection.server;
  const data = dataSchema.parse({ kind: "pairs", path: "/data/pairs.jsonl", ...changes.data });
  const lines: string[] = [];
  await noteTexts({
    server: { tokenizer },
    tokenizerInfo: await tokenizer.info(),
    recipe: { data },
    dataset: { train, heldOut: [] },
    data: {
      train: await tokenizeGroups(train, { tokenizer, eosTokenId: EOS, data, now: new Date(0) }, {}),
      heldOut: [],
    },
    progress: { note: (line) => lines.push(line) },
    call: {},
  });
  return lines;
}

test("tells which begin tokens prompts have, or that there are none", async () => {
  expect(await notes([group("1", "a")], { testbed: { beginTokens: "c" } })).toEqual([
    "prompts: begin with c, as the base's tokenizer begins every text (data.beginTokens)",
  ]);
  await connection!.end();
  expect(await notes([group("1", "a")])).toEqual(["prompts: the base's tokenizer puts no begin token before a text"]);
  await connection!.end();
  const none = { testbed: { beginTokens: "c" }, data: { beginTokens: "none" } };
  expect(await notes([group("1", "a")], none)).toEqual([
    'prompts: no begin token is put before them (data.beginTokens = "none")',
  ]);
});

test("says nothing of conversations, whose template decides", async () => {
  const chat = group("1", [{ role: "user", content: "a" }]);
  expect(await notes([chat], { testbed: { chatTemplate: () => "ab" } })).toEqual([]);
});

/** "$" can be written in two ways: as the end of sequence, and as text. */
const spelling = { vocabulary: ["a", "b", "$", "$"] };

test("counts prompts that spell special tokens, and names the first", async () => {
  const groups = [group("1", "a"), group("2", "a$"), group("3", "b$b")];
  expect((await notes(groups, { testbed: spelling })).slice(1)).toEqual([
    'prompts: 2 of 3 spell special tokens, read as ordinary text (first: 2); set data.specialTokens to "tokens" if they ' +
      "are meant as tokens",
  ]);
  await connection!.end();
  const asTokens = { testbed: spelling, data: { specialTokens: "tokens" } };
  expect((await notes(groups, asTokens)).slice(1)).toEqual([]);
});

test("does not count those that a prompt template spells", async () => {
  const promptParts = [
    { text: "a", specialTokens: false },
    { text: "$", specialTokens: true },
  ];
  expect((await notes([{ ...group("1", "a$"), promptParts }], { testbed: spelling })).slice(1)).toEqual([]);
});
