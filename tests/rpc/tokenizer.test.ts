import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import type { TestbedOptions } from "../../src/testbed/start-testbed.js";
import { connectToTestbed, type TestbedConnection } from "./testbed-connection.js";

let connection: TestbedConnection;
beforeEach(async () => {
  connection = await connectToTestbed();
});
afterEach(() => connection.end());

test("info", async () => {
  const info = await connection.server.tokenizer.info();
  expect(info).toMatchObject({ eosTokenId: 3, vocabularySize: 4, contextTokens: 12 });
});

test("texts to ids and back, rows of their own lengths, special tokens left out", async () => {
  const { tokenizer } = connection.server;
  const rows = await tokenizer.tokenize(["abc", "", [{ text: "ca$", specialTokens: true }]]);
  expect(rows).toEqual([[0, 1, 2], [], [2, 0, 3]]);
  expect(await tokenizer.detokenize(rows)).toEqual(["abc", "", "ca"]);
  expect(await tokenizer.tokenize([])).toEqual([]);
});

test("parts of a text are data or a template's", async () => {
  const { tokenizer } = connection.server;
  const end = (specialTokens: boolean) => [
    { text: "a", specialTokens: false },
    { text: "$", specialTokens },
  ];
  expect(await tokenizer.tokenize([end(true)])).toEqual([[0, 3]]);
  await expect(tokenizer.tokenize([end(false)])).rejects.toThrow(BadInputError);
});

test("begin tokens are put before texts that lack them, and not before texts that continue others", async () => {
  const other = await connectToTestbed({ beginTokens: "b" });
  const { tokenizer } = other.server;
  expect((await tokenizer.info()).beginTokenIds).toEqual([1]);
  expect(await tokenizer.tokenize(["a", "ba", ""], { addBeginTokens: true })).toEqual([[1, 0], [1, 0], [1]]);
  expect(await tokenizer.tokenize(["a"], { continues: true })).toEqual([[0]]);
  await expect(tokenizer.tokenize(["a"], { continues: true, addBeginTokens: true })).rejects.toThrow(BadInputError);
  expect(await tokenizer.detokenize([[1, 0]])).toEqual(["a"]);
  expect(await tokenizer.detokenize([[1, 0]], { skipSpecialTokens: false })).toEqual(["ba"]);
  await other.end();
});

test("conversations to text and tokens, by the base's chat template and the time it is given", async () => {
  const chatTemplate: TestbedOptions["chatTemplate"] = (messages, opensTurn, now) =>
    messages.map(({ content }) => `${content}$`).join("") + (opensTurn ? "c" : "") + "a".repeat(now.getUTCDate());
  const other = await connectToTestbed({ chatTemplate, templateReadsClock: true });
  const { tokenizer } = other.server;
  const now = new Date("2026-03-02T23:59:59Z");
  const chats = [
    [{ role: "user", content: "b" }],
    [
      { role: "system", content: "c" },
      { role: "user", content: "a" },
    ],
  ] as const;
  expect((await tokenizer.info()).templateReadsClock).toBe(true);
  expect(await tokenizer.applyChatTemplate(chats, { now })).toEqual([
    { text: "b$caa", tokens: [1, 3, 2, 0, 0] },
    { text: "c$a$caa", tokens: [2, 3, 0, 3, 2, 0, 0] },
  ]);
  const closed = await tokenizer.applyChatTemplate(chats, { now, addGenerationPrompt: false });
  expect(closed.map(({ text }) => text)).toEqual(["b$aa", "c$a$aa"]);
  expect(await tokenizer.applyChatTemplate([], { now })).toEqual([]);
  // What a message spells is text, which this vocabulary cannot write.
  const spelled = tokenizer.applyChatTemplate([[{ role: "user", content: "a$" }]], { now });
  await expect(spelled).rejects.toThrow(BadInputError);
  await other.end();
});

test("conversations, and a base without a chat template", async () => {
  const asked = connection.server.tokenizer.applyChatTemplate([[{ role: "user", content: "a" }]], {
    now: new Date(0),
  });
  await expect(asked).rejects.toThrow(/testbed:tiny has no chat template/);
  await expect(asked).rejects.toThrow(BadInputError);
});

test("a text that the tokenizer cannot read", async () => {
  await expect(connection.server.tokenizer.tokenize(["xyz"])).rejects.toThrow(BadInputError);
});
