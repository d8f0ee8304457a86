import {
  type AcquireRunRequest,
  type AcquireRunResponse,
  CreateModelRequest,
  type CreateModelResult,
  DeleteCheckpointRequest,
  DeleteModelRequest,
  ExportFormat,
  ExportModelRequest,
  type ExportModelResult,
  type GetServerInfoResponse,
  type ReleaseAnswersRequest,
  type ReleaseAnswersResponse,
  RestoreCheckpointRequest,
  type RestoreCheckpointResult,
  SaveCheckpointRequest,
  type SaveCheckpointResult,
  type ModelServiceServer,
} from "../proto-gen/drpo/v1/model_service.js";
import { checkUri, readCheckpoint, writeCheckpoint } from "./checkpoints.js";
import { createModel, decodeHead, nextGeneration } from "./create-model.js";
import { findModel } from "./find-model.js";
import { discardGradients } from "./loss-pass.js";
import { type Gate, streaming, unary } from "./handlers.js";
import { holdRun, mutate } from "./mutate.js";
import { refuseNotFinite } from "./step-model.js";
import { invalid, notFound, unimplemented } from "./service-error.js";
import { restoreModel, saveModel, versionOf } from "./tabular-model.js";
import { takeRun, type World } from "./world.js";

/** ModelService on tables. @param schemaHash announced in GetServerInfo */
export const modelService = (world: World, gate: Gate, schemaHash: string): ModelServiceServer => ({
  getServerInfo: unary(gate, "GetServerInfo", () => serverInfo(world, schemaHash)),
  acquireRun: unary(gate, "AcquireRun", (request: AcquireRunRequest) => acquireRun(world, request)),
  releaseAnswers: unary(gate, "ReleaseAnswers", (request: ReleaseAnswersRequest) => releaseAnswers(world, request)),
  createModel: streaming(gate, "CreateModel", async (request: CreateModelRequest) => [
    { $case: "result" as const, value: await runCreateModel(world, request) },
  ]),
  deleteModel: unary(gate, "DeleteModel", (request: DeleteModelRequest) => runDeleteModel(world, request)),
  saveCheckpoint: streaming(gate, "SaveCheckpoint", async (request: SaveCheckpointRequest) => [
    { $case: "result" as const, value: await saveCheckpoint(world, request) },
  ]),
  restoreCheckpoint: streaming(gate, "RestoreCheckpoint", async (request: RestoreCheckpointRequest) => [
    { $case: "result" as const, value: await restoreCheckpoint(world, request) },
  ]),
  deleteCheckpoint: unary(gate, "DeleteCheckpoint", (request: DeleteCheckpointRequest) =>
    deleteCheckpoint(world, request),
  ),
  exportModel: streaming(gate, "ExportModel", async (request: ExportModelRequest) => [
    { $case: "result" as const, value: await exportModel(world, request) },
  ]),
  listFiles: unary(gate, "ListFiles", noFiles),
  readFile: streaming(gate, "ReadFile", noFiles),
  planMemory: unary(gate, "PlanMemory", () => ({
    ...{ items: [], totalBytes: 0n, availableBytes: 0n, fits: true, advice: "" },
  })),
  sendWeights: streaming(gate, "SendWeights", () => {
    throw unimplemented("tables are not broadcast");
  }),
});

const noFiles = (): never => {
  throw unimplemented("checkpoints of tables are not files");
};

export const serverInfo = (world: World, schemaHash: string): GetServerInfoResponse => ({
  schemaHash,
  serverVersion: "testbed",
  engine: "tables",
  device: "cpu",
  computeThreads: 1,
  memoryTotalBytes: 0n,
  memoryAvailableBytes: 0n,
  capabilities: ["sampler", "trainer", "tokenizer", "reward-model"],
  instanceId: world.instanceId,
  residentBases: [],
  processes: 1,
  dtype: "float64",
  samplingSlots: 1,
  tokenBudget: 0,
});

const acquireRun = (world: World, { runId, requestId }: AcquireRunRequest): AcquireRunResponse => {
  if (runId === "" || requestId === "") throw invalid("run_id and request_id must be set");
  const repeated = world.acquired.get(`${runId}/${requestId}`);
  if (repeated !== undefined) return { fence: repeated };
  const fence = takeRun(world, runId);
  world.acquired.set(`${runId}/${requestId}`, fence);
  return { fence };
};

const releaseAnswers = (
  world: World,
  { mutation, requestIds, keptBatchIds }: ReleaseAnswersRequest,
): ReleaseAnswersResponse => {
  const { run } = holdRun(world, mutation);
  for (const requestId of requestIds) run.answers.delete(requestId);
  for (const keptBatchId of keptBatchIds) run.keptBatches.delete(keptBatchId);
  return { answersLeft: run.answers.size, batchesLeft: run.keptBatches.size };
};

const runCreateModel = (world: World, request: CreateModelRequest): Promise<CreateModelResult> => {
  const head = decodeHead(request);
  const payload = CreateModelRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => ({
    version: versionOf(createModel(world, run, request, head)),
    vocabularySize: world.tokenizer.vocabularySize,
    contextTokens: world.options.contextTokens,
    trainableWeights: 0n,
    baseHash: world.tokenizer.hash,
  }));
};

const runDeleteModel = (world: World, request: DeleteModelRequest) =>
  mutate(world, { mutation: request.mutation, payload: DeleteModelRequest.encode(request).finish() }, (run) => {
    if (!run.models.delete(request.model)) throw notFound(`no model ${request.model} in run ${run.runId}`);
    return {};
  });

const saveCheckpoint = (world: World, request: SaveCheckpointRequest): Promise<SaveCheckpointResult> => {
  checkUri(request.uri);
  const payload = SaveCheckpointRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => {
    const saved = request.models.map((ref) => {
      const model = findModel(run, ref);
      refuseNotFinite(ref.model, model.table.toRows());
      return [ref.model, saveModel(model, request.withOptimizerState)] as const;
    });
    return writeCheckpoint(world.store, request.uri, Object.fromEntries(saved));
  });
};

const restoreCheckpoint = (world: World, request: RestoreCheckpointRequest): Promise<RestoreCheckpointResult> => {
  const { checkpoint } = request;
  if (checkpoint === undefined) throw invalid("checkpoint must be set");
  checkUri(checkpoint.uri);
  const payload = RestoreCheckpointRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => {
    const savedModels = readCheckpoint(world.store, checkpoint);
    const all = Object.entries(savedModels).map(([name, { trainable }]) => ({
      savedName: name,
      model: name,
      trainable,
    }));
    const wanted = request.models.length > 0 ? request.models : all;
    const restored = wanted.map(({ savedName, model: name, trainable }) => {
      const saved = savedModels[savedName];
      if (saved === undefined) throw notFound(`checkpoint ${checkpoint.uri} holds no model ${savedName}`);
      return [
        name,
        restoreModel(saved, world.ruleOf, { generation: nextGeneration(world, run, name), trainable }),
      ] as const;
    });
    for (const model of run.models.values()) discardGradients(model);
    for (const [name, model] of restored) run.models.set(name, model);
    return { models: restored.map(([name, model]) => ({ model: name, version: versionOf(model) })) };
  });
};

const deleteCheckpoint = (world: World, request: DeleteCheckpointRequest) => {
  checkUri(request.uri);
  const payload = DeleteCheckpointRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, () => {
    world.store.remove(request.uri);
    return {};
  });
};

const exportModel = (world: World, request: ExportModelRequest): Promise<ExportModelResult> => {
  checkUri(request.uri);
  if (request.format === ExportFormat.UNSPECIFIED) throw invalid("a format must be named");
  const payload = ExportModelRequest.encode(request).finish();
  return mutate(world, { mutation: request.mutation, payload }, (run) => {
    const text = JSON.stringify(saveModel(findModel(run, request.model), false));
    world.store.write(request.uri, text);
    return { path: world.store.path(request.uri), bytes: BigInt(Buffer.byteLength(text)) };
  });
};
