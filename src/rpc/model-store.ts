import { EnvironmentError } from "../errors.js";
import type { PlannedModel } from "../ports/memory-plan.js";
import type { CreateModel, ModelStore, ServerInfo } from "../ports/model-store.js";
import {
  type CreateModelRequest,
  ExportFormat,
  type GetServerInfoResponse,
  Head,
  ModelServiceDefinition as service,
  type PlannedModel as WirePlannedModel,
} from "../proto-gen/drpo/v1/model_service.js";
import type { Caller } from "./caller.js";
import { checkLength } from "./check-length.js";
import { describeMethod } from "./method.js";
import type { Mutations } from "./request-id.js";
import { fromWireVersion, toModelRef } from "./wire-model.js";

export const getServerInfo = describeMethod(service, service.methods.getServerInfo);
const planMemory = describeMethod(service, service.methods.planMemory);
const createModel = describeMethod(service, service.methods.createModel);
const deleteModel = describeMethod(service, service.methods.deleteModel);
const saveCheckpoint = describeMethod(service, service.methods.saveCheckpoint);
const restoreCheckpoint = describeMethod(service, service.methods.restoreCheckpoint);
const deleteCheckpoint = describeMethod(service, service.methods.deleteCheckpoint);
const exportModel = describeMethod(service, service.methods.exportModel);

/** The ModelStore port over ModelService. */
export const createModelStore = (caller: Caller, mutations: Mutations): ModelStore => ({
  async serverInfo(options) {
    return toServerInfo(await caller.unary(getServerInfo, {}, options));
  },

  async planMemory({ models, ...sizes }, options) {
    const { items, totalBytes, availableBytes, fits, advice } = await caller.unary(
      planMemory,
      { ...sizes, models: models.map(toWirePlannedModel) },
      options,
    );
    return {
      items: items.map(({ kind, owner, bytes }) => ({ kind, owner, bytes: Number(bytes) })),
      ...{ totalBytes: Number(totalBytes), availableBytes: Number(availableBytes), fits, advice },
    };
  },

  async createModel(model, options) {
    const { version, baseHash } = await mutations.run((mutation) =>
      caller.result(createModel, { mutation, ...toWireModel(model) }, options),
    );
    return { name: model.name, version: fromWireVersion(version, createModel.rpc), baseHash };
  },

  async deleteModel(name, options) {
    await mutations.run((mutation) => caller.unary(deleteModel, { mutation, model: name }, options));
  },

  async saveCheckpoint({ uri, models, withOptimizerState }, options) {
    const { checkpoint } = await mutations.run((mutation) =>
      caller.result(saveCheckpoint, { mutation, uri, models: models.map(toModelRef), withOptimizerState }, options),
    );
    if (checkpoint === undefined)
      throw new EnvironmentError(`${saveCheckpoint.rpc}: the server's answer names no checkpoint.`);
    return { uri: checkpoint.uri, manifestHash: checkpoint.manifestHash };
  },

  async restoreCheckpoint(checkpoint, models, { base = "", ...options } = {}) {
    const wanted = models.map(({ savedName, name, trainable }) => ({ savedName, model: name, trainable }));
    const { models: restored } = await mutations.run((mutation) =>
      caller.result(restoreCheckpoint, { mutation, checkpoint, models: wanted, base }, options),
    );
    if (models.length > 0) checkLength(restored, models.length, "models", restoreCheckpoint.rpc);
    return restored.map(({ model, version }) => ({
      name: model,
      version: fromWireVersion(version, restoreCheckpoint.rpc),
    }));
  },

  async deleteCheckpoint(uri, options) {
    await mutations.run((mutation) => caller.unary(deleteCheckpoint, { mutation, uri }, options));
  },

  async exportModel({ model, format, uri }, options) {
    const { path } = await mutations.run((mutation) =>
      caller.result(exportModel, { mutation, model: toModelRef(model), format: EXPORT_FORMATS[format], uri }, options),
    );
    return path;
  },
});

const EXPORT_FORMATS = { "peft-adapter": ExportFormat.PEFT_ADAPTER, merged: ExportFormat.MERGED } as const;
const HEADS = { "language-model": Head.LANGUAGE_MODEL, scalar: Head.SCALAR } as const;

export const toServerInfo = (info: GetServerInfoResponse): ServerInfo => ({
  serverVersion: info.serverVersion,
  engine: info.engine,
  device: info.device,
  computeThreads: info.computeThreads,
  memoryTotalBytes: Number(info.memoryTotalBytes),
  memoryAvailableBytes: Number(info.memoryAvailableBytes),
  capabilities: info.capabilities,
  instanceId: info.instanceId,
  tokenBudget: info.tokenBudget,
  samplingSlots: Math.max(1, info.samplingSlots),
  residentBases: info.residentBases,
  processes: Math.max(1, info.processes),
  dtype: info.dtype,
});

const toWireModel = (model: CreateModel): Omit<CreateModelRequest, "mutation"> => {
  const from = model.initialisedFrom;
  return {
    model: model.name,
    base: model.base,
    shape: toWireShape(model.shape),
    head: HEADS[model.head],
    initialisedFrom:
      from === undefined
        ? undefined
        : "copyOf" in from
          ? { $case: "copyOf", value: from.copyOf }
          : { $case: "peftAdapter", value: from.peftAdapter },
    resetHead: from !== undefined && "copyOf" in from && from.resetHead === true,
    seed: model.seed,
    trainable: model.trainable,
  };
};

const toWirePlannedModel = ({ name, base, shape, head, trainable }: PlannedModel): WirePlannedModel => ({
  ...{ model: name, base, shape: toWireShape(shape), head: HEADS[head], trainable },
});

const toWireShape = (shape: CreateModel["shape"]): CreateModelRequest["shape"] => {
  if (shape.kind === "full") return { $case: "full", value: {} };
  const { rank, alpha, targetModules, lastBlocks } = shape;
  return { $case: "lora", value: { rank, alpha, targetModules, lastBlocks } };
};
