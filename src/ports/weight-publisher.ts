import type { CheckpointRef, ModelHandle } from "../domain/model.js";
import type { CallOptions } from "./call-options.js";
import type { BatchRow } from "./trainer.js";

/** One version of a model where samplers find it, and what the trainer computes with it: a sampler must compute the same. */
export interface PublishedWeights {
  readonly model: ModelHandle;
  readonly checkpoint: CheckpointRef;
  readonly probeRows: readonly BatchRow[];
  /** Log-probabilities of the rows' span tokens, rows one after the other. */
  readonly probeLogprobs: readonly number[];
}

/** Puts weights of the trainer where samplers find them. */
export interface WeightPublisher {
  publish(model: ModelHandle, options?: CallOptions): Promise<PublishedWeights>;
  /** No sampler will ask for it again. */
  withdraw(published: PublishedWeights, options?: CallOptions): Promise<void>;
}
