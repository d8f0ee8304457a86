import type { Head, ModelShape } from "../domain/model.js";

/** A model as it would be created. */
export interface PlannedModel {
  readonly name: string;
  /** Folder of the base, on the server. */
  readonly base: string;
  readonly shape: ModelShape;
  readonly head: Head;
  readonly trainable: boolean;
}

/** What will be held and computed at the same time. */
export interface MemoryRequest {
  readonly models: readonly PlannedModel[];
  /** Tokens of the longest row of a forward or backward pass; 0: there is none. */
  readonly trainingRowTokens: number;
  /** Rows that are kept for later calls, all at once. */
  readonly keptRows: number;
  /** Rows that one call samples; 0: others sample. */
  readonly samplingRows: number;
  /** Tokens of the longest of them, context and new ones. */
  readonly samplingRowTokens: number;
}

export interface MemoryItem {
  /** "weights", "activations". */
  readonly kind: string;
  /** The model or base that it is for; empty: shared. */
  readonly owner: string;
  readonly bytes: number;
}

/** What each process of the server will need. */
export interface MemoryPlan {
  readonly items: readonly MemoryItem[];
  /** The most that is held at once; activations and KV cache take turns. */
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly fits: boolean;
  /** What to change on the server, if they do not fit. */
  readonly advice: string;
}
