import { afterEach, describe, expect, test } from "@jest/globals";
import { dataSchema, type DataOptions } from "../../src/config/data.js";
import type { PreferenceGroup, Prompt } from "../../src/domain/preference-dataset.js";
import { BadInputError } from "../../src/errors.js";
import { tokenizeGroups } from "../../src/stages/tokenize-groups.js";
import { usableGroups } from "../../src/stages/usable-groups.js";
import type { TestbedOptions } from "../../src/testbed/start-testbed.js";
import { connectToTestbed, EOS, type TestbedConnection } from "../rpc/testbed-connection.js";

let connection: TestbedConnection | undefined;
afterEach(() => connection?.end());

const NOW = new Date("2026-03-04T05:06:07Z");

const options = (changes: object = {}): DataOptions =>
  dataSchema.parse({ kind: "pairs", path: "/data/chats.jsonl", ...changes });

async function tokenize(
  groups: readonly PreferenceGroup[],
  { data = options(), ...testbed }: Partial<TestbedOptions> & { readonly data?: DataOptions } = {},
) {
  connection = await connectToTestbed(testbed);
  return tokenizeGroups(groups, { tokenizer: connection.server.tokenizer, eosTokenId: EOS, data, now: NOW }, {});
}

/** Why groups cannot be used, by their ids. */
async function faultsOf(groups: readonly PreferenceGroup[], testbed: Parameters<typeof tokenize>[1] = {}) {
  const read = groups.map((group) => ({ ...group, where: group.id }));
  const tokenized = await tokenize(read, testbed);
  const rules = { readers: [], maxTokens: 1, prompts: testbed.data ?? options() };
  return usableGroups(read, tokenized, rules).unfit.map(({ where, fault }) => `${where}: ${fault.problem}`);
}

/** Messages one after the other, and what opens the assistant's turn. */
const chatTemplate: TestbedOptions["chatTemplate"] = (messages, opensTurn) =>
  messages.map(({ content }) => content).join("") + (opensTurn ? "c" : "");

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
  const tokenized = await tokenize(groups, { chatTemplate });
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

test("a prompt that is too long keeps its last tokens, or does not fit", async () => {
  const groups = [pair("1", "abcab"), pair("2", "ab")];
  const cut = await tokenize(groups, { data: options({ maxPromptTokens: 3, truncatePrompt: "left" }) });
  expect(cut.map(({ prompt }) => prompt)).toEqual([
    [2, 0, 1],
    [0, 1],
  ]);
  expect(cut[0]!.responses[0]!.prompt).toEqual([2, 0, 1]);
  expect(cut[0]!.promptText).toBe("abcab");
  await connection!.end();
  expect(await faultsOf(groups, { data: options({ maxPromptTokens: 3 }) })).toEqual([
    expect.stringMatching(
      /^1: the prompt has 5 tokens, more than data\.maxPromptTokens = 3 .*data\.truncatePrompt "left"/,
    ),
  ]);
});

describe("begin tokens", () => {
  test("are put before prompts that are text and lack them, and before no response", async () => {
    const [first, second] = await tokenize([pair("1", "ab"), pair("2", "cab")], { beginTokens: "c" });
    expect(first!.prompt).toEqual([2, 0, 1]);
    expect(first!.responses[0]).toMatchObject({ prompt: [2, 0, 1], response: [0, EOS] });
    expect(second!.prompt).toEqual([2, 0, 1]);
  });

  test("are left out where the recipe says so, and are the template's own where it writes the prompt", async () => {
    const data = options({ beginTokens: "none" });
    expect((await tokenize([pair("1", "ab")], { data, beginTokens: "c" }))[0]!.prompt).toEqual([0, 1]);
    await connection!.end();
    const chat = pair("1", [{ role: "user", content: "a" }]);
    expect((await tokenize([chat], { chatTemplate, beginTokens: "b" }))[0]!.prompt).toEqual([0, 2]);
  });

  test("stay when a prompt is shortened", async () => {
    const data = options({ maxPromptTokens: 3, truncatePrompt: "left" });
    const [long, short] = await tokenize([pair("1", "abab"), pair("2", "ba")], { data, beginTokens: "c" });
    expect(long!.prompt).toEqual([2, 0, 1]);
    expect(short!.prompt).toEqual([2, 1, 0]);
  });

  test("leave no room where they are all that fits", async () => {
    const data = options({ maxPromptTokens: 1, truncatePrompt: "left" });
    expect((await tokenize([pair("1", "abab")], { data, beginTokens: "c" }))[0]!.prompt).toEqual([2]);
  });
});

describe("special tokens", () => {
  const templated = (parts: PreferenceGroup["promptParts"]): PreferenceGroup => ({
    ...pair("1", parts!.map(({ text }) => text).join("")),
    promptParts: parts!,
  });

  test("of a prompt template are tokens, those of the data are text", async () => {
    const parts = [
      { text: "a$", specialTokens: true },
      { text: "b", specialTokens: false },
    ];
    expect((await tokenize([templated(parts)]))[0]).toMatchObject({ promptText: "a$b", prompt: [0, EOS, 1] });
    await connection!.end();
    // This vocabulary has no other way to write it.
    await expect(tokenize([templated(parts.map(({ text }) => ({ text, specialTokens: false })))])).rejects.toThrow(
      BadInputError,
    );
  });

  test("of prompts are tokens where the recipe says so, and those of responses are not", async () => {
    const data = options({ specialTokens: "tokens" });
    expect((await tokenize([pair("1", "a$b")], { data }))[0]!.prompt).toEqual([0, EOS, 1]);
    await connection!.end();
    const response = { id: "1/preferred", text: "a$", rating: 1 };
    await expect(tokenize([{ ...pair("1", "a"), responses: [response] }], { data })).rejects.toThrow(BadInputError);
  });
});

describe("conversations that are too long", () => {
  const chat = [
    { role: "system", content: "c" },
    { role: "user", content: "aa" },
    { role: "assistant", content: "bb" },
    { role: "user", content: "ab" },
    { role: "assistant", content: "ba" },
    { role: "user", content: "bb" },
  ] as const;
  const groups = [pair("1", "a"), pair("2", chat), pair("3", chat.slice(0, 2))];
  const shortening = (maxPromptTokens: number) => ({
    chatTemplate,
    data: options({ maxPromptTokens, truncatePrompt: "left" }),
  });
  const shortened = (maxPromptTokens: number) => tokenize(groups, shortening(maxPromptTokens));

  test("lose their oldest turns, and keep the system prompt, the newest turns and what the template writes", async () => {
    const [text, long, short] = await shortened(8);
    expect(long).toMatchObject({ promptText: "caabbabbabbc", prompt: [2, 0, 1, 1, 0, 1, 1, 2] });
    expect(long!.responses[0]!.prompt).toEqual(long!.prompt);
    expect([text!.prompt, short!.prompt]).toEqual([[0], [2, 0, 0, 2]]);
    await connection!.end();
    expect((await shortened(4))[1]!.prompt).toEqual([2, 1, 1, 2]);
  });

  test("do not fit where even the newest turn does not, as the row is told", async () => {
    const faults = await faultsOf(groups, shortening(3));
    const alone = "in its system prompt and newest turn alone, more than data.maxPromptTokens = 3";
    expect(faults).toEqual([`2: the prompt has 4 tokens ${alone}`, `3: the prompt has 4 tokens ${alone}`]);
  });

  test("do not fit, with what would help, where the recipe shortens nothing", async () => {
    const faults = await faultsOf([pair("2", chat)], { chatTemplate, data: options({ maxPromptTokens: 8 }) });
    expect(faults).toEqual([expect.stringMatching(/data\.truncatePrompt "left" keeps .*the newest turns/)]);
  });
});

test("of conversations that a template refuses the first is named", async () => {
  const chats = Array.from({ length: 9 }, (_, i) => pair(`row-${i}`, [{ role: "user", content: i < 5 ? "a" : "?" }]));
  await expect(tokenize(chats, { chatTemplate })).rejects.toThrow(/first: row-5\)/);
});

test("templates get the time that the run was started", async () => {
  const dated: TestbedOptions["chatTemplate"] = (_, __, now) => (now.getTime() === NOW.getTime() ? "ab" : "c");
  const chat = pair("1", [{ role: "user", content: "a" }]);
  expect((await tokenize([chat], { chatTemplate: dated }))[0]!.promptText).toBe("ab");
});
