import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { FencedOffError, NotOnServerError } from "../../src/errors.js";
import { accumulate, ADAMW, connectToTestbed, type TestbedConnection, tinyModel } from "./testbed-connection.js";

let connection: TestbedConnection;
beforeEach(async () => {
  connection = await connectToTestbed();
});
afterEach(() => connection.end());

test("a second holder of the run fences the first off, and creates its models anew", async () => {
  const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
  const second = await connection.reconnect();
  await expect(accumulate(connection, model)).rejects.toThrow(FencedOffError);
  await expect(accumulate(second, model)).rejects.toThrow(NotOnServerError);
  const anew = await second.server.models.createModel(tinyModel({ name: "policy" }));
  expect((await accumulate(second, anew)).losses).toHaveLength(1);
});

test("another run's holder fences nobody off", async () => {
  const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
  const other = await connection.reconnect({ runId: "run-2" } as object);
  await expect(accumulate(other, model)).rejects.toThrow(NotOnServerError);
  await accumulate(connection, model);
});

test("a version that is not the server's is refused", async () => {
  const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
  const { requestId } = await accumulate(connection, model);
  const { trainer } = connection.server;
  await trainer.optimizerStep({ model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 1 });
  await expect(accumulate(connection, model)).rejects.toThrow(FencedOffError);
  await expect(accumulate(connection, model)).rejects.toThrow(/optimiser step 1/);
});

test("after a restart of the server the models are gone, and the error says so", async () => {
  const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
  connection.testbed.restart();
  await expect(accumulate(connection, model)).rejects.toThrow(NotOnServerError);
  await expect(accumulate(connection, model)).rejects.toThrow(/restarted/);
});

test("after a restart a new connection restores the last checkpoint and replays to the same weights", async () => {
  const { models, trainer } = connection.server;
  const start = await models.createModel(tinyModel({ name: "policy" }));
  const saved = await models.saveCheckpoint({ uri: "checkpoints/1", models: [start], withOptimizerState: true });
  const { requestId } = await accumulate(connection, start);
  const step = await trainer.optimizerStep({ model: start, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 1 });

  connection.testbed.restart();
  const after = await connection.reconnect();
  expect(after.fence).toBeGreaterThan(connection.fence);
  const [restored] = await after.server.models.restoreCheckpoint(saved, []);
  expect(restored?.version.weightsHash).toBe(start.version.weightsHash);
  expect(restored?.version.generation).toBeGreaterThan(start.version.generation);
  const gradients = await accumulate(after, restored!);
  const replayed = await after.server.trainer.optimizerStep({
    model: restored!,
    requestIds: [gradients.requestId],
    adamw: ADAMW,
    maxGradientNorm: 1,
  });
  expect(replayed.model.version.weightsHash).toBe(step.model.version.weightsHash);
});
