import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
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

test("a text that the tokenizer cannot read", async () => {
  await expect(connection.server.tokenizer.tokenize(["xyz"])).rejects.toThrow(BadInputError);
});
