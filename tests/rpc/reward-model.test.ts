import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { connectToTestbed, type TestbedConnection, tinyModel } from "./testbed-connection.js";

let connection: TestbedConnection;
beforeEach(async () => {
  connection = await connectToTestbed();
});
afterEach(() => connection.end());

test("the score of each row, which the trainer computes too", async () => {
  const model = await connection.server.models.createModel(
    tinyModel({ name: "reward-model", head: "scalar", trainable: false }),
  );
  const rows = [[0], [1, 2, 3], [2, 2]];
  const scores = await connection.server.rewardModel.score(model, rows);
  const batch = { rows: rows.map((tokens) => ({ tokens, spanStart: 1, spanLength: 0 })) };
  expect([scores]).toEqual(await connection.server.trainer.forward(batch, [{ model, output: "scores" }]));
});

test("a language model has no scores", async () => {
  const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
  await expect(connection.server.rewardModel.score(model, [[0]])).rejects.toThrow(BadInputError);
});
