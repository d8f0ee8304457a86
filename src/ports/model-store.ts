import type { CheckpointRef, Head, ModelHandle } from "../domain/model.js";
import type { CallOptions } from "./call-options.js";

export type ModelShape =
  | {
      readonly kind: "lora";
      readonly rank: number;
      readonly alpha: number;
      /** Names of linear layers inside a block; empty: all of them. */
      readonly targetModules: readonly string[];
      /** Adapt the last so many blocks; 0: all. */
      readonly lastBlocks: number;
    }
  | { readonly kind: "full" };

export interface CreateModel {
  readonly name: string;
  /** Folder of the base, on the server. */
  readonly base: string;
  readonly shape: ModelShape;
  readonly head: Head;
  readonly trainable: boolean;
  /** Unset: what the base does (LoRA with B = 0), a scalar head of zeros. */
  readonly initialisedFrom?:
    { readonly copyOf: string; readonly resetHead?: boolean } | { readonly peftAdapter: string };
  /** Seed of the random first weights. */
  readonly seed: bigint;
}

export interface ServerInfo {
  readonly serverVersion: string;
  readonly engine: string;
  readonly device: string;
  readonly computeThreads: number;
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  readonly capabilities: readonly string[];
  readonly instanceId: string;
  /** Calls of SampleRollouts that it computes side by side. */
  readonly samplingSlots: number;
  /** Paths or names that bases which are loaded now were asked for by. */
  readonly residentBases: readonly string[];
  /** Processes that compute together. */
  readonly processes: number;
  /** Type of the weights: "float32". */
  readonly dtype: string;
}

/** Weights: how they come to be and where they are kept. Every mutating call is idempotent. */
export interface ModelStore {
  serverInfo(options?: CallOptions): Promise<ServerInfo>;
  createModel(model: CreateModel, options?: CallOptions): Promise<ModelHandle>;
  deleteModel(name: string, options?: CallOptions): Promise<void>;
  saveCheckpoint(
    checkpoint: { readonly uri: string; readonly models: readonly ModelHandle[]; readonly withOptimizerState: boolean },
    options?: CallOptions,
  ): Promise<CheckpointRef>;
  /** @throws NotOnServerError if the checkpoint is not there; CorruptStateError if it differs from its hashes. */
  restoreCheckpoint(
    checkpoint: CheckpointRef,
    models: readonly { readonly savedName: string; readonly name: string; readonly trainable: boolean }[],
    options?: CallOptions,
  ): Promise<readonly ModelHandle[]>;
  deleteCheckpoint(uri: string, options?: CallOptions): Promise<void>;
  /** @returns the folder on the server. */
  exportModel(
    request: { readonly model: ModelHandle; readonly format: "peft-adapter" | "merged"; readonly uri: string },
    options?: CallOptions,
  ): Promise<string>;
}
