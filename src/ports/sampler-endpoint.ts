import type { CheckpointRef, ModelHandle } from "../domain/model.js";
import type { CallOptions } from "./call-options.js";
import type { ServerInfo } from "./model-store.js";
import type { Continuation, SampleRequest } from "./sampler.js";
import type { BatchRow } from "./trainer.js";

/** A sampler that has acquired the run. It holds no model until it is told to. */
export interface ConnectedSampler {
  readonly info: ServerInfo;
  /** Makes it hold this version, whose weights are in the checkpoint. */
  syncWeights(model: ModelHandle, from: CheckpointRef, options?: CallOptions): Promise<void>;
  /** @returns log-probabilities of the span tokens, rows one after the other. */
  computeLogprobs(model: ModelHandle, rows: readonly BatchRow[], options?: CallOptions): Promise<readonly number[]>;
  /** @returns continuations[context][seed] */
  sample(request: SampleRequest, options?: CallOptions): Promise<readonly (readonly Continuation[])[]>;
  /** Lets go of the connection: calls under way fail. */
  close(): void;
}

/** A place where rollouts can be sampled, whether or not it can be reached now. */
export interface SamplerEndpoint {
  /** For messages: host:port, or which process it is. */
  readonly name: string;
  /** Opens it, or opens it anew after it was lost. @throws ServerUnavailableError or SilentServerError if it is not there */
  connect(options?: CallOptions): Promise<ConnectedSampler>;
}
