import { afterEach, expect, test } from "@jest/globals";
import { dataSchema, type DataOptions } from "../../src/config/data.js";
import type { PreferenceGroup, Prompt } from "../../src/domain/preference-dataset.js";
import { BadInputError } from "../../src/errors.js";
import { tokenizeGroups } from "../../src/stages/tokenize-groups.js";
import { connectToTestbed, EOS, type TestbedConnection } from "../rpc/testbed-connection.js";

let connection: TestbedConnection | undefined;
afterEach(() => connection?.end());

const NOW = new Date("2026-03-04T05:06:07Z");

const options = (changes: object = {}): DataOptions =>
  dataSchema.parse({ kind: "pairs", path: "/data/chats.jsonl", ...changes });

async function tokenize(
  groups: readonly PreferenceGroup[],
  { data = options(), hasTemplate = false }: { readonly data?: DataOptions; readonly hasTemplate?: boolean } = {},
) {
  const chatTemplate = (messages: readonly { readonly content: string }[], opensTurn: boolean) =>
    messages.map(({ content }) => content).join("") + (opensTurn ? "c" : "");
  connection = await connectToTestbed(hasTemplate ? { chatTemplate } : {});
  return tokenizeGroups(groups, { tokenizer: connection.server.tokenizer, eosTokenId: EOS, data, now: NOW }, {});
}

const pair = (id: string, prompt: Prompt): PreferenceGroup => ({
  ...{ id, prompt, reference: null },
  responses: [
    { id: `${id}/preferred`, text: "a", rating: 1 },
    { id: `${id}/rejected`, text: "b", rating: 0 },
  ],
});

test("responses and references keep their places, with and without one another", async () => {
  const reference = { id: "r", text: "ca", rating: 1 };
  const groups = [
    pair("1", "ab"),
    { id: "2", prompt: "c", responses: [], reference },
    { ...pair("3", "b"), reference: { ...reference, id: "s", text: "cb" } },
    pair("4", "a"),
  ];
  const [first, second, third, fourth] = await tokenize(groups);
  expect(first).toEqual({
    ...{ id: "1", promptText: "ab", prompt: [0, 1], reference: null },
    responses: [
      { id: "1/preferred", prompt: [0, 1], response: [0, EOS], rating: 1 },
      { id: "1/rejected", prompt: [0, 1], response: [1, EOS], rating: 0 },
    ],
  });
  expect(second).toMatchObject({ responses: [], reference: { id: "r", prompt: [2], response: [2, 0, EOS] } });
  expect(third!.reference!.response).toEqual([2, 1, EOS]);
  expect(fourth!.responses.map(({ response }) => response)).toEqual([
    [0, EOS],
    [1, EOS],
  ]);
});

test("conversations become text that opens the assistant's turn, among prompts that are text", async () => {
  const chat = [
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
    { role: "user", content: "b" },
  ] as const;
  const groups = [pair("1", "a"), pair("2", chat), pair("3", "b"), pair("4", chat.slice(0, 1))];
  const tokenized = await tokenize(groups, { hasTemplate: true });
  expect(tokenized.map(({ promptText }) => promptText)).toEqual(["a", "abbc", "b", "ac"]);
  expect(tokenized[1]!.prompt).toEqual([0, 1, 1, 2]);
});

test("conversations for a base without a chat template are refused, with what to do", async () => {
  const refused = tokenize([pair("1", [{ role: "user", content: "a" }])]);
  await expect(refused).rejects.toThrow(BadInputError);
  await expect(refused).rejects.toThrow(
    /^data\.path: prompts of \/data\/chats\.jsonl are conversations.*a base with a chat template.*data\.layout "pairs".*has no chat template/,
  );
});

test("a prompt that is too long keeps its last tokens, or is refused", async () => {
  const groups = [pair("1", "abcab"), pair("2", "ab")];
  const cut = await tokenize(groups, { data: options({ maxPromptTokens: 3, truncatePrompt: "left" }) });
  expect(cut.map(({ prompt }) => prompt)).toEqual([
    [2, 0, 1],
    [0, 1],
  ]);
  expect(cut[0]!.responses[0]!.prompt).toEqual([2, 0, 1]);
  expect(cut[0]!.promptText).toBe("abcab");
  await connection!.end();
  await expect(tokenize(groups, { data: options({ maxPromptTokens: 3 }) })).rejects.toThrow(
    /The prompt of 1 has 5 tokens, more than data\.maxPromptTokens = 3\. Set data\.truncatePrompt to "left" to keep its last 3/,
  );
});
