import { crc32 } from "@node-rs/crc32";
import type { ModelHandle, CheckpointRef } from "../../domain/model.js";
import type { SampleContext, SamplingParams } from "../../ports/sampler.js";
import { readCheckpoint } from "../checkpoints.js";
import { notFound } from "../service-error.js";
import { restoreModel } from "../tabular-model.js";
import { createWorld } from "../world.js";
import { createMemoryStore } from "../checkpoint-store.js";
import type { Fleet } from "./open-fleet.js";

/** What an iteration's rollouts will be, in the order of contexts and seeds. */
export interface ExpectedRollouts {
  /** Tokens of each; [rows]. */
  readonly lengths: Uint32Array;
  /** checksumOf(its tokens); [rows]. */
  readonly checksums: Uint32Array;
}

export const checksumOf = (tokens: readonly number[]): number => crc32(Buffer.from(Uint16Array.from(tokens).buffer));

/**
 * Computes an iteration's rollouts before they are asked for, so that what this machine needs for their contents does not
 * pass for an engine's time.
 */
export const prepareIteration = (
  { book, world, published }: Fleet,
  request: {
    readonly model: ModelHandle;
    readonly checkpoint: CheckpointRef;
    readonly contexts: readonly SampleContext[];
    readonly params: SamplingParams;
  },
): ExpectedRollouts => {
  const { model, checkpoint, contexts, params } = request;
  const saved = readCheckpoint(published, checkpoint)[model.name];
  if (saved === undefined) throw notFound(`checkpoint ${checkpoint.uri} holds no model ${model.name}`);
  const { ruleOf } = createWorld(world, createMemoryStore());
  const { table } = restoreModel(saved, ruleOf, { generation: model.version.generation, trainable: false });
  const write = book.read(model.version.weightsHash, table, params);
  const written = contexts.flatMap(({ seeds, ...context }) => seeds.map((seed) => write({ ...context, seed }).tokens));
  return {
    lengths: Uint32Array.from(written, (tokens) => tokens.length),
    checksums: Uint32Array.from(written, checksumOf),
  };
};
