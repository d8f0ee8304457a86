/** One set of weights: (generation, optimiser step, hash). A restore opens a new generation. */
export interface ModelVersion {
  readonly generation: bigint;
  readonly optimizerStep: bigint;
  readonly weightsHash: string;
}

/** A model of the run at a version. */
export interface ModelHandle {
  readonly name: string;
  readonly version: ModelVersion;
}

/** What a model computes after its last hidden layer. */
export type Head = "language-model" | "scalar";

/** Which weights are a model's own: updates of linear layers, or all. */
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

/** A finished checkpoint on the server: "checkpoints/NAME" or "stages/NAME", and the hash of its manifest. */
export interface CheckpointRef {
  readonly uri: string;
  readonly manifestHash: string;
}

/** raw reward-model score -> (raw - mean) / standardDeviation, over samples of the SFT policy. */
export interface ScoreScale {
  readonly mean: number;
  readonly standardDeviation: number;
}
