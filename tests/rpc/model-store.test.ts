import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BadInputError, CorruptStateError, NotOnServerError } from "../../src/errors.js";
import { accumulate, ADAMW, connectToTestbed, type TestbedConnection, tinyModel } from "./testbed-connection.js";

let connection: TestbedConnection;
beforeEach(async () => {
  connection = await connectToTestbed();
});
afterEach(() => connection.end());

const ROWS = { rows: [{ tokens: [0, 1, 2], spanStart: 1, spanLength: 2 }] };

/** One optimiser step on a model. */
const step = async (name: string) => {
  const { models, trainer } = connection.server;
  const model = await models.createModel(tinyModel({ name }));
  const { requestId } = await accumulate(connection, model);
  return (await trainer.optimizerStep({ model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 })).model;
};

test("server info is plain numbers", async () => {
  const info = await connection.server.models.serverInfo();
  expect(info).toEqual({ ...info, memoryTotalBytes: 0, memoryAvailableBytes: 0, serverVersion: "testbed" });
});

describe("models", () => {
  test("a copy has the weights of its source, not its gradients", async () => {
    const policy = await step("policy");
    const { models, trainer } = connection.server;
    const reference = await models.createModel(
      tinyModel({ name: "reference", trainable: false, initialisedFrom: { copyOf: "policy" } }),
    );
    expect(reference.version.weightsHash).toBe(policy.version.weightsHash);
    const [own, copied] = await trainer.forward(ROWS, [
      { model: policy, output: "logprobs" },
      { model: reference, output: "logprobs" },
    ]);
    expect(copied).toEqual(own);
  });

  test("a frozen model takes no loss", async () => {
    const model = await connection.server.models.createModel(tinyModel({ name: "reference", trainable: false }));
    await expect(accumulate(connection, model)).rejects.toThrow(BadInputError);
  });

  test("every shape and head travels", async () => {
    const { models } = connection.server;
    const lora = { kind: "lora", rank: 8, alpha: 16, targetModules: ["q_proj"], lastBlocks: 2 } as const;
    const critic = await models.createModel(tinyModel({ name: "critic", head: "scalar", shape: lora }));
    const zeros = await models.createModel(
      tinyModel({ name: "zeros", head: "scalar", initialisedFrom: { copyOf: "critic", resetHead: true } }),
    );
    const [values, reset] = await connection.server.trainer.forward(ROWS, [
      { model: critic, output: "values" },
      { model: zeros, output: "values" },
    ]);
    expect(values).not.toEqual(reset);
    expect(reset).toEqual([0, 0]);
  });

  test("a deleted model is gone", async () => {
    const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
    await connection.server.models.deleteModel("policy");
    await expect(accumulate(connection, model)).rejects.toThrow(NotOnServerError);
    await expect(connection.server.models.deleteModel("policy")).rejects.toThrow(NotOnServerError);
  });
});

describe("checkpoints", () => {
  test("hold weights and optimiser state, and can be taken under other names", async () => {
    const policy = await step("policy");
    const { models } = connection.server;
    const saved = await models.saveCheckpoint({ uri: "stages/sft", models: [policy], withOptimizerState: false });
    const [reference] = await models.restoreCheckpoint(saved, [
      { savedName: "policy", name: "reference", trainable: false },
    ]);
    expect(reference).toMatchObject({ name: "reference", version: { optimizerStep: 1n } });
    expect(reference?.version.weightsHash).toBe(policy.version.weightsHash);
  });

  test("one that is not there, is damaged, was deleted or lacks the model", async () => {
    const policy = await step("policy");
    const { models } = connection.server;
    const saved = await models.saveCheckpoint({ uri: "checkpoints/1", models: [policy], withOptimizerState: true });
    await expect(models.restoreCheckpoint({ ...saved, uri: "checkpoints/2" }, [])).rejects.toThrow(NotOnServerError);
    await expect(
      models.restoreCheckpoint(saved, [{ savedName: "critic", name: "critic", trainable: true }]),
    ).rejects.toThrow(NotOnServerError);
    connection.testbed.store.write("checkpoints/1", "{}");
    await expect(models.restoreCheckpoint(saved, [])).rejects.toThrow(CorruptStateError);
    await models.deleteCheckpoint("checkpoints/1");
    await models.deleteCheckpoint("checkpoints/1");
    await expect(models.restoreCheckpoint(saved, [])).rejects.toThrow(NotOnServerError);
  });

  test("a uri that leaves its root is refused", async () => {
    const policy = await step("policy");
    const save = (uri: string) =>
      connection.server.models.saveCheckpoint({ uri, models: [policy], withOptimizerState: true });
    await expect(save("checkpoints/../../etc")).rejects.toThrow(BadInputError);
    await expect(save("elsewhere/1")).rejects.toThrow(BadInputError);
  });
});

test("an exported model can be brought back as the first weights of another", async () => {
  const policy = await step("policy");
  const { models } = connection.server;
  const folder = await models.exportModel({ model: policy, format: "peft-adapter", uri: "checkpoints/exported" });
  const brought = await models.createModel(tinyModel({ name: "brought", initialisedFrom: { peftAdapter: folder } }));
  expect(brought.version.weightsHash).toBe(policy.version.weightsHash);
  expect(brought.version.optimizerStep).toBe(0n);
});
