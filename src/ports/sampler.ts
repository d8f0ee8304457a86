import type { ModelHandle, ModelVersion } from "../domain/model.js";
import type { FinishReason } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "./call-options.js";

export interface SampleContext {
  /** What is there already: prompt and prefix. Prefilled, never decoded. */
  readonly tokens: TokenIds;
  readonly maxNewTokens: number;
  /** Position in the response of the first generated token: the prefix's length. */
  readonly firstPosition: number;
  /** Unsigned 64-bit seeds, one a continuation. */
  readonly seeds: readonly bigint[];
}

export interface SamplingParams {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly stopTokenIds: readonly number[];
}

export interface Continuation {
  readonly tokens: TokenIds;
  readonly logprobs: readonly number[];
  readonly finishReason: FinishReason;
  readonly version: ModelVersion;
}

export interface SampleRequest {
  readonly model: ModelHandle;
  readonly contexts: readonly SampleContext[];
  readonly params: SamplingParams;
}

/** A continuation that is finished, and whose it is. */
export interface PlacedContinuation {
  readonly contextIndex: number;
  readonly continuationIndex: number;
  readonly continuation: Continuation;
}

export interface SampleOptions extends CallOptions {
  /**
   * Called with continuations that are finished while others are still being written: with each sub-batch, where there
   * are any. What is in a sub-batch is a function of the request; the order of the calls is not.
   */
  readonly onSampled?: ((part: readonly PlacedContinuation[]) => void) | undefined;
}

export interface Sampler {
  /** @returns continuations[context][seed], whatever the order in which they finished. */
  sample(request: SampleRequest, options?: SampleOptions): Promise<readonly (readonly Continuation[])[]>;
  /** Makes the sampler hold this version. */
  syncWeights(model: ModelHandle, options?: CallOptions): Promise<void>;
}
