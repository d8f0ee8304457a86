import { status } from "@grpc/grpc-js";
import type { Head } from "../domain/model.js";
import { type CreateModelRequest, Head as WireHead } from "../proto-gen/drpo/v1/model_service.js";
import { checkBase } from "./check-base.js";
import { invalid, notFound, ServiceError } from "./service-error.js";
import { Table } from "./table.js";
import { newModel, type Origin, restoreModel, type SavedModel, type TabularModel } from "./tabular-model.js";
import { nextNumber, type RunState, type World } from "./world.js";

const HEADS: ReadonlyMap<WireHead, Head> = new Map([
  [WireHead.LANGUAGE_MODEL, "language-model"],
  [WireHead.SCALAR, "scalar"],
]);

export const nextGeneration = ({ store }: World, { runId }: RunState, model: string): bigint =>
  nextNumber(store, `counters/generation/${runId}/${model}`);

/** @throws INVALID_ARGUMENT for what is malformed whatever the state is. */
export const decodeHead = (request: CreateModelRequest): Head => {
  const head = HEADS.get(request.head);
  if (request.model === "" || head === undefined || request.shape === undefined)
    throw invalid("model, head and shape must be set");
  checkBase(request.base);
  return head;
};

/** A new model of the run: a table, whatever shape was asked for. */
export const createModel = (world: World, run: RunState, request: CreateModelRequest, head: Head): TabularModel => {
  if (run.models.has(request.model))
    throw new ServiceError(status.ALREADY_EXISTS, `the run has a model ${request.model}`);
  const { origin, table } = firstWeights(world, run, request, head);
  const generation = nextGeneration(world, run, request.model);
  const model = newModel({ head, origin, table, trainable: request.trainable, generation });
  run.models.set(request.model, model);
  return model;
};

const firstWeights = (
  world: World,
  run: RunState,
  request: CreateModelRequest,
  head: Head,
): Pick<TabularModel, "origin" | "table"> => {
  const { initialisedFrom: from, base } = request;
  const fresh = (origin: Origin) => ({ origin, table: new Table(world.ruleOf(head, origin)) });
  if (from === undefined) return fresh({ base, model: request.model });
  if (from.$case === "peftAdapter") return fromExport(world, from.value, head);
  const source = run.models.get(from.value);
  if (source === undefined) throw notFound(`no model ${from.value} in run ${run.runId}`);
  if (request.resetHead) return fresh(head === "scalar" ? null : source.origin);
  // What two heads share (the adapted blocks) a table does not have, so a scalar head made of a language model is zeros.
  if (source.head !== head) return fresh(head === "scalar" ? null : { base, model: request.model });
  return { origin: source.origin, table: source.table.copy({ withMoments: false }) };
};

const fromExport = (world: World, path: string, head: Head): Pick<TabularModel, "origin" | "table"> => {
  const uri = ["checkpoints", "stages"]
    .map((root) => path.slice(path.lastIndexOf(`${root}/`)))
    .find((tail) => world.store.path(tail) === path);
  const text = uri === undefined ? undefined : world.store.read(uri);
  if (text === undefined) throw notFound(`no exported model at ${path}`);
  const saved = JSON.parse(text) as SavedModel;
  if (saved.head !== head) throw invalid(`${path} has a ${saved.head} head`);
  return restoreModel(saved, world.ruleOf, { generation: 0n, trainable: false });
};
