import type { CheckpointRef, Head, ModelHandle, ModelShape } from "../domain/model.js";
import type { CallOptions } from "./call-options.js";
import type { MemoryPlan, MemoryRequest } from "./memory-plan.js";

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
  /** Most tokens of one micro-batch, as long as memory suffices; 0: it makes none. */
  readonly tokenBudget: number;
  /** Calls of SampleRollouts that it computes side by side. */
  readonly samplingSlots: number;
  /** Paths or names that bases which are loaded now were asked for by. */
  readonly residentBases: readonly string[];
  /** Processes that compute together. */
  readonly processes: number;
  /** Type of the weights: "float32". */
  readonly dtype: string;
}

export interface CreatedModel extends ModelHandle {
  /** SHA-256 (hexadecimal) of what its base is. */
  readonly baseHash?: string;
}

export interface RestoreOptions extends CallOptions {
  /** Folder of the base, on the server, where it is now; left out: where it was when the checkpoint was written. */
  readonly base?: string;
}

/** Weights: how they come to be and where they are kept. Every mutating call is idempotent. */
export interface ModelStore {
  serverInfo(options?: CallOptions): Promise<ServerInfo>;
  /** What models and batches will need, before anything is loaded. */
  planMemory(request: MemoryRequest, options?: CallOptions): Promise<MemoryPlan>;
  createModel(model: CreateModel, options?: CallOptions): Promise<CreatedModel>;
  deleteModel(name: string, options?: CallOptions): Promise<void>;
  saveCheckpoint(
    checkpoint: { readonly uri: string; readonly models: readonly ModelHandle[]; readonly withOptimizerState: boolean },
    options?: CallOptions,
  ): Promise<CheckpointRef>;
  /**
   * @throws NotOnServerError if the checkpoint is not there; CorruptStateError if it differs from its hashes;
   * BadInputError if `base` is another base than the models were trained on
   */
  restoreCheckpoint(
    checkpoint: CheckpointRef,
    models: readonly { readonly savedName: string; readonly name: string; readonly trainable: boolean }[],
    options?: RestoreOptions,
  ): Promise<readonly ModelHandle[]>;
  deleteCheckpoint(uri: string, options?: CallOptions): Promise<void>;
  /** @returns the folder on the server. */
  exportModel(
    request: { readonly model: ModelHandle; readonly format: "peft-adapter" | "merged"; readonly uri: string },
    options?: CallOptions,
  ): Promise<string>;
}
