import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, EnvironmentError, ServerUnavailableError } from "../../src/errors.js";
import { accumulate, ADAMW, connectToTestbed, type TestbedConnection, tinyModel } from "./testbed-connection.js";

let connection: TestbedConnection;
beforeEach(async () => {
  connection = await connectToTestbed();
});
afterEach(() => connection.end());

const lost = { code: status.UNAVAILABLE, when: "after" } as const;
const refused = { code: status.UNAVAILABLE, when: "before" } as const;

describe("a call whose answer was lost", () => {
  test.each([lost, refused])("OptimizerStep steps once (%j)", async (fault) => {
    const { trainer, models } = connection.server;
    const model = await models.createModel(tinyModel({ name: "policy" }));
    const { requestId } = await accumulate(connection, model);
    connection.testbed.faults.failNext("OptimizerStep", fault);
    const step = await trainer.optimizerStep({ model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 });
    expect(step.model.version.optimizerStep).toBe(1n);
    expect(connection.testbed.faults.callsOf("OptimizerStep")).toBe(2);
    await trainer.forward({ rows: [{ tokens: [0, 1], spanStart: 1, spanLength: 1 }] }, [
      { model: step.model, output: "logprobs" },
    ]);
  });

  test("ForwardBackward adds its gradients once", async () => {
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
    const other = await connection.server.models.createModel(tinyModel({ name: "other" }));
    connection.testbed.faults.failNext("ForwardBackward", lost);
    await accumulate(connection, model);
    await accumulate(connection, other);
    expect(connection.testbed.gradients("run-1", "policy")).toEqual(connection.testbed.gradients("run-1", "other"));
  });

  test("CreateModel makes one model", async () => {
    connection.testbed.faults.failNext("CreateModel", lost);
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
    expect(model.version.generation).toBe(1n);
  });

  test("RestoreCheckpoint opens one generation", async () => {
    const { models } = connection.server;
    const model = await models.createModel(tinyModel({ name: "policy" }));
    const saved = await models.saveCheckpoint({ uri: "checkpoints/1", models: [model], withOptimizerState: true });
    connection.testbed.faults.failNext("RestoreCheckpoint", lost);
    const [restored] = await models.restoreCheckpoint(saved, []);
    expect(restored?.version).toEqual({ ...model.version, generation: 2n });
  });

  test("a stream starts again from nothing", async () => {
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
    const context = { tokens: [0], maxNewTokens: 3, firstPosition: 0, seeds: [1n, 2n, 3n] };
    const request = { model, contexts: [context], params: { temperature: 1, topP: 1, topK: 0, stopTokenIds: [3] } };
    const expected = await connection.server.sampler.sample(request);
    connection.testbed.faults.failNext("SampleRollouts", refused);
    expect(await connection.server.sampler.sample(request)).toEqual(expected);
  });
});

test("attempts end: the server stays unavailable", async () => {
  for (let i = 0; i < 6; i++) connection.testbed.faults.failNext("CreateModel", refused);
  await expect(connection.server.models.createModel(tinyModel({ name: "policy" }))).rejects.toThrow(
    ServerUnavailableError,
  );
  expect(connection.testbed.faults.callsOf("CreateModel")).toBe(6);
});

test("a fatal failure is not tried again", async () => {
  connection.testbed.faults.failNext("CreateModel", { code: status.RESOURCE_EXHAUSTED, when: "before" });
  await expect(connection.server.models.createModel(tinyModel({ name: "policy" }))).rejects.toThrow(EnvironmentError);
  expect(connection.testbed.faults.callsOf("CreateModel")).toBe(1);
});

test("a name that is taken is bad input", async () => {
  await connection.server.models.createModel(tinyModel({ name: "policy" }));
  await expect(connection.server.models.createModel(tinyModel({ name: "policy" }))).rejects.toThrow(BadInputError);
});
