import { createHash } from "node:crypto";
import { status } from "@grpc/grpc-js";
import type { CheckpointRef } from "../proto-gen/drpo/v1/common.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import { invalid, notFound, ServiceError } from "./service-error.js";
import type { SavedModel } from "./tabular-model.js";

/** The models of a checkpoint by their saved names. */
export type SavedModels = Readonly<Record<string, SavedModel>>;

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** @throws INVALID_ARGUMENT unless it is "checkpoints/NAME" or "stages/NAME". */
export const checkUri = (uri: string): void => {
  const valid = /^(checkpoints|stages)\/[A-Za-z0-9._/-]+$/.test(uri) && !uri.split("/").includes("..");
  if (!valid) throw invalid(`uri ${JSON.stringify(uri)} is not checkpoints/NAME or stages/NAME`);
};

export const writeCheckpoint = (
  store: CheckpointStore,
  uri: string,
  models: SavedModels,
): { readonly checkpoint: CheckpointRef; readonly bytes: bigint } => {
  const text = JSON.stringify(models);
  store.write(uri, text);
  return { checkpoint: { uri, manifestHash: sha256(text) }, bytes: BigInt(Buffer.byteLength(text)) };
};

/** @throws NOT_FOUND, or DATA_LOSS if it is not what was written. */
export const readCheckpoint = (store: CheckpointStore, { uri, manifestHash }: CheckpointRef): SavedModels => {
  const text = store.read(uri);
  if (text === undefined) throw notFound(`no checkpoint ${uri}`);
  if (sha256(text) !== manifestHash)
    throw new ServiceError(status.DATA_LOSS, `checkpoint ${uri} differs from its hash`);
  return JSON.parse(text) as SavedModels;
};
