import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError, FencedOffError, NotOnServerError } from "../../src/errors.js";
import { ModelServiceDefinition, type SaveCheckpointRequest } from "../../src/proto-gen/drpo/v1/model_service.js";
import { type Caller, createCaller } from "../../src/rpc/caller.js";
import { type Channel, openChannel } from "../../src/rpc/channel.js";
import { describeMethod } from "../../src/rpc/method.js";
import { toModelRef } from "../../src/rpc/wire-model.js";
import { impatientClock } from "./manual-clock.js";
import { connectToTestbed, RUN, type TestbedConnection, tinyModel } from "./testbed-connection.js";

const saveCheckpoint = describeMethod(ModelServiceDefinition, ModelServiceDefinition.methods.saveCheckpoint);

let connection: TestbedConnection;
let channel: Channel;
let caller: Caller;
let request: SaveCheckpointRequest;
beforeEach(async () => {
  connection = await connectToTestbed();
  channel = openChannel({ address: connection.testbed.address });
  caller = createCaller(channel, { silenceTimeoutMs: 60_000, clock: impatientClock });
  const model = await connection.server.models.createModel(tinyModel({ name: "policy" }));
  const mutation = { runId: RUN, fence: connection.fence, requestId: "mine-1" };
  request = { mutation, uri: "checkpoints/1", models: [toModelRef(model)], withOptimizerState: true };
});
afterEach(async () => {
  channel.client.close();
  await connection.end();
});

const send = (changes: Partial<SaveCheckpointRequest> = {}) =>
  caller.result(saveCheckpoint, { ...request, ...changes });

test("a repeated request gets the stored answer, even where the work could not be done any more", async () => {
  const first = await send();
  await connection.server.models.deleteModel("policy");
  expect(await send()).toEqual(first);
});

test("a request that is under way is joined", async () => {
  expect(await Promise.all([send(), send()])).toEqual([await send(), await send()]);
});

test("the same id with another payload is refused", async () => {
  await send();
  await expect(send({ uri: "checkpoints/2" })).rejects.toThrow(BadInputError);
});

test("malformed comes before a stale fence, a stale fence before an unknown model", async () => {
  const stale = { runId: RUN, fence: 999n, requestId: "mine-2" };
  const unknown = [{ model: "nobody", version: undefined }];
  await expect(send({ mutation: stale, uri: "/etc", models: unknown })).rejects.toThrow(BadInputError);
  await expect(send({ mutation: stale, models: unknown })).rejects.toThrow(FencedOffError);
  await expect(send({ models: unknown })).rejects.toThrow(NotOnServerError);
});

test("a failed request is not stored: the same id may succeed later", async () => {
  await expect(send({ models: [{ model: "late", version: undefined }] })).rejects.toThrow(NotOnServerError);
  await connection.server.models.createModel(tinyModel({ name: "late" }));
  await send({ models: [{ model: "late", version: undefined }] });
});

test("what was released is forgotten", async () => {
  const { trainer } = connection.server;
  const before = connection.testbed.storedAnswers(RUN);
  expect(before).toBe(1);
  await trainer.release([]);
  expect(connection.testbed.storedAnswers(RUN)).toBe(0);
});
