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
  const rows = await tokenizer.tokenize(["abc", "", "ca$"]);
  expect(rows).toEqual([[0, 1, 2], [], [2, 0, 3]]);
  expect(await tokenizer.detokenize(rows)).toEqual(["abc", "", "ca"]);
  expect(await tokenizer.tokenize([])).toEqual([]);
});

test("conversations to text, by the base's chat template", async () => {
  const chatTemplate: TestbedOptions["chatTemplate"] = (messages, opensTurn) =>
    messages.map(({ role, content }) => `${role[0]}:${content};`).join("") + (opensTurn ? "a:" : "");
  const other = await connectToTestbed({ chatTemplate });
  const { tokenizer } = other.server;
  const chats = [
    [{ role: "user", content: "b" }],
    [
      { role: "system", content: "c" },
      { role: "user", content: "d" },
    ],
  ] as const;
  expect(await tokenizer.applyChatTemplate(chats)).toEqual(["u:b;a:", "s:c;u:d;a:"]);
  expect(await tokenizer.applyChatTemplate(chats, { addGenerationPrompt: false })).toEqual(["u:b;", "s:c;u:d;"]);
  expect(await tokenizer.applyChatTemplate([])).toEqual([]);
  await other.end();
});

test("conversations, and a base without a chat template", async () => {
  const asked = connection.server.tokenizer.applyChatTemplate([[{ role: "user", content: "a" }]]);
  await expect(asked).rejects.toThrow(/testbed:tiny has no chat template/);
  await expect(asked).rejects.toThrow(BadInputError);
});

test("a text that the tokenizer cannot read", async () => {
  await expect(connection.server.tokenizer.tokenize(["xyz"])).rejects.toThrow(BadInputError);
});
