import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BadInputError, DivergedError, FencedOffError, NotOnServerError } from "../../src/errors.js";
import { ModelServiceDefinition, type SaveCheckpointRequest } from "../../src/proto-gen/drpo/v1/model_service.js";
import {
  type ForwardBackwardRequest,
  type OptimizerStepRequest,
  TrainerServiceDefinition,
} from "../../src/proto-gen/drpo/v1/trainer_service.js";
import { type Caller, createCaller } from "../../src/rpc/caller.js";
import { type Channel, openChannel } from "../../src/rpc/channel.js";
import { describeMethod } from "../../src/rpc/method.js";
import { toModelRef } from "../../src/rpc/wire-model.js";
import { impatientClock } from "./manual-clock.js";
import { connectToTestbed, RUN, type TestbedConnection, tinyModel } from "./testbed-connection.js";

const saveCheckpoint = describeMethod(ModelServiceDefinition, ModelServiceDefinition.methods.saveCheckpoint);
const releaseAnswers = describeMethod(ModelServiceDefinition, ModelServiceDefinition.methods.releaseAnswers);
const forwardBackward = describeMethod(TrainerServiceDefinition, TrainerServiceDefinition.methods.forwardBackward);
const optimizerStep = describeMethod(TrainerServiceDefinition, TrainerServiceDefinition.methods.optimizerStep);
const ADAMW = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 };

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

/** One gradient of the model under this id, and a step on the ids named. */
const gradient = (requestId: string, model = request.models[0]): ForwardBackwardRequest => ({
  mutation: { runId: RUN, fence: connection.fence, requestId },
  batch: {
    keepAs: "",
    source: { $case: "rows", value: { tokenIds: [0, 1], rowLengths: [2], spanStarts: [1], spanLengths: [1] } },
  },
  losses: [{ model, temperature: 1, loss: { $case: "crossEntropy", value: { weights: [1] } } }],
});
const step = (
  requestId: string,
  forwardBackwardRequestIds: string[],
  adamw: Partial<typeof ADAMW> = {},
): OptimizerStepRequest => ({
  mutation: { runId: RUN, fence: connection.fence, requestId },
  model: request.models[0],
  forwardBackwardRequestIds,
  adamw: { ...ADAMW, ...adamw },
  maxGradientNorm: 0,
});
const release = (...requestIds: string[]) =>
  caller.unary(releaseAnswers, {
    mutation: { runId: RUN, fence: connection.fence, requestId: `release-${requestIds.join()}` },
    requestIds,
    keptBatchIds: [],
  });

test("a gradient whose answer was released is refused as long as it is accumulated", async () => {
  await caller.result(forwardBackward, gradient("x"));
  await release("x");
  await expect(caller.result(forwardBackward, gradient("x"))).rejects.toThrow(/accumulated on policy already/);
  const other = toModelRef(await connection.server.models.createModel(tinyModel({ name: "other" })));
  await expect(caller.result(forwardBackward, gradient("x", other))).rejects.toThrow(/accumulated on policy already/);
  const { version } = await caller.unary(optimizerStep, step("s", ["x"]));
  await caller.result(forwardBackward, gradient("x", { model: "policy", version }));
});

test("a step names each gradient once", async () => {
  await caller.result(forwardBackward, gradient("x"));
  await expect(caller.unary(optimizerStep, step("s", ["x", "x"]))).rejects.toThrow(BadInputError);
  await caller.unary(optimizerStep, step("s", ["x"]));
});

test("a restore drops the gradients of every model", async () => {
  const { checkpoint } = await send();
  const other = toModelRef(await connection.server.models.createModel(tinyModel({ name: "other" })));
  await caller.result(forwardBackward, gradient("x", other));
  await connection.server.models.restoreCheckpoint(checkpoint as NonNullable<typeof checkpoint>, [
    { savedName: "policy", name: "policy", trainable: true },
  ]);
  await expect(caller.unary(optimizerStep, { ...step("s", ["x"]), model: other })).rejects.toThrow(FencedOffError);
});

test("a step that would leave no finite number changes nothing", async () => {
  await caller.result(forwardBackward, gradient("x"));
  await expect(caller.unary(optimizerStep, step("s", ["x"], { learningRate: Infinity }))).rejects.toThrow(
    DivergedError,
  );
  // Another step may still be made of the same gradient.
  await caller.unary(optimizerStep, step("s", ["x"]));
});
