import type { ModelHandle } from "../domain/model.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { CallOptions } from "./call-options.js";

/** A row and its span: the tokens that outputs and losses are about. */
export interface BatchRow {
  readonly tokens: TokenIds;
  /** First token of the span; at least 1. */
  readonly spanStart: number;
  readonly spanLength: number;
}

/** Rows sent now (and kept under a name, if one is given), or rows kept by an earlier call. */
export type BatchInput =
  { readonly rows: readonly BatchRow[]; readonly keepAs?: string } | { readonly keptBatchId: string };

/** logprobs, entropy and values: one number for each span token, rows one after the other. scores: one for each row. */
export type Output = "logprobs" | "entropy" | "values" | "scores";

export interface OutputRequest {
  readonly model: ModelHandle;
  readonly output: Output;
  /** Divides the logits; 1 if left out. */
  readonly temperature?: number;
}

/** The losses of proto/drpo/v1/trainer_service.proto, where each is written as an equation. */
export type Loss =
  | { readonly kind: "crossEntropy"; readonly weights: readonly number[] }
  | {
      readonly kind: "clippedSurrogate";
      readonly oldLogprobs: readonly number[];
      readonly advantages: readonly number[];
      readonly weights: readonly number[];
      readonly clipLow: number;
      readonly clipHigh: number;
    }
  | {
      readonly kind: "clippedValue";
      readonly oldValues: readonly number[];
      readonly returns: readonly number[];
      readonly weights: readonly number[];
      readonly clipRange: number;
    }
  | {
      readonly kind: "bradleyTerry";
      readonly preferredRows: readonly number[];
      readonly rejectedRows: readonly number[];
      readonly weights: readonly number[];
    }
  | {
      readonly kind: "rankedGroup";
      readonly groupSizes: readonly number[];
      readonly ratings: readonly number[];
      readonly weights: readonly number[];
    }
  | {
      readonly kind: "squaredError";
      readonly output: "values" | "scores";
      readonly targets: readonly number[];
      readonly weights: readonly number[];
    }
  | {
      readonly kind: "kl";
      readonly referenceLogprobs: readonly number[];
      readonly weights: readonly number[];
      readonly estimator: "k1" | "k2" | "k3";
    }
  | {
      readonly kind: "linear";
      readonly output: "logprobs" | "values" | "scores";
      readonly coefficients: readonly number[];
    }
  | {
      readonly kind: "dpo";
      readonly referenceLogprobs: readonly number[];
      readonly preferredRows: readonly number[];
      readonly rejectedRows: readonly number[];
      readonly weights: readonly number[];
      readonly beta: number;
      readonly labelSmoothing: number;
    }
  | {
      readonly kind: "logRatioDifference";
      readonly baseLogprobs: readonly number[];
      readonly firstRows: readonly number[];
      readonly secondRows: readonly number[];
      readonly targets: readonly number[];
      readonly weights: readonly number[];
    };

export interface ModelLoss {
  readonly model: ModelHandle;
  readonly loss: Loss;
  readonly temperature?: number;
}

export interface LossResult {
  /** Sum of the loss's terms. */
  readonly loss: number;
  /** The log-probs, values or scores that it was computed from, before the optimiser step. */
  readonly outputs: readonly number[];
}

export interface Gradients {
  /** To be named in the optimiser step that uses them. */
  readonly requestId: string;
  /** In the order of the losses sent. */
  readonly losses: readonly LossResult[];
}

export interface AdamW {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export interface OptimizerStep {
  readonly model: ModelHandle;
  /** Every gradient request since the last step of this model. */
  readonly requestIds: readonly string[];
  readonly adamw: AdamW;
  /** 0: no clipping. */
  readonly maxGradientNorm: number;
}

/** Forward passes, gradients and optimiser steps. */
export interface Trainer {
  /** @returns one array for each output asked for. */
  forward(
    batch: BatchInput,
    outputs: readonly OutputRequest[],
    options?: CallOptions,
  ): Promise<readonly (readonly number[])[]>;
  forwardBackward(batch: BatchInput, losses: readonly ModelLoss[], options?: CallOptions): Promise<Gradients>;
  optimizerStep(
    step: OptimizerStep,
    options?: CallOptions,
  ): Promise<{ readonly model: ModelHandle; readonly gradientNorm: number }>;
  /** Lets the server drop what will not be asked for again: all answers so far, and these kept batches. */
  release(keptBatchIds: readonly string[], options?: CallOptions): Promise<void>;
}
