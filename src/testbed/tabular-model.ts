import { createHash } from "node:crypto";
import type { Head, ModelVersion } from "../domain/model.js";
import { Table, type TableGradients, type TableRow, type TableRule } from "./table.js";

/** Where a model's first weights come from: the rules of the testbed, asked about this base and model. Null: zeros. */
export type Origin = { readonly base: string; readonly model: string } | null;

/** A model whose weights are a table: logits of each context (language model), or one number for each (scalar head). */
export interface TabularModel {
  readonly head: Head;
  readonly origin: Origin;
  readonly trainable: boolean;
  readonly table: Table;
  readonly generation: bigint;
  optimizerStep: bigint;
  /** Steps that the moments have seen: fewer than optimizerStep after a restore without optimiser state. */
  adamSteps: number;
  gradients: TableGradients;
  /** ForwardBackward requests whose gradients are in `gradients`. */
  gradientRequestIds: Set<string>;
}

/** The testbed's rule for a model of this head and origin. */
export type RuleOf = (head: Head, origin: Origin) => TableRule;

/** What a checkpoint holds of one model. */
export interface SavedModel {
  readonly head: Head;
  readonly origin: Origin;
  readonly trainable: boolean;
  readonly generation: string;
  readonly optimizerStep: string;
  readonly decay: number;
  readonly rows: readonly TableRow[];
  /** Null: saved without optimiser state. */
  readonly adamSteps: number | null;
}

export const newModel = (
  model: Pick<TabularModel, "head" | "origin" | "trainable" | "table" | "generation">,
): TabularModel => ({
  ...model,
  optimizerStep: 0n,
  adamSteps: 0,
  gradients: new Map(),
  gradientRequestIds: new Set(),
});

export const saveModel = (model: TabularModel, withOptimizerState: boolean): SavedModel => ({
  head: model.head,
  origin: model.origin,
  trainable: model.trainable,
  generation: String(model.generation),
  optimizerStep: String(model.optimizerStep),
  decay: model.table.totalDecay,
  rows: model.table.toRows(),
  adamSteps: withOptimizerState && model.trainable ? model.adamSteps : null,
});

/** A model as it was saved, in a new generation, without gradients. */
export const restoreModel = (
  saved: SavedModel,
  ruleOf: RuleOf,
  { generation, trainable }: { readonly generation: bigint; readonly trainable: boolean },
): TabularModel => ({
  ...newModel({
    head: saved.head,
    origin: saved.origin,
    trainable,
    table: Table.fromRows(ruleOf(saved.head, saved.origin), saved.decay, saved.rows, saved.adamSteps !== null),
    generation,
  }),
  optimizerStep: BigInt(saved.optimizerStep),
  adamSteps: saved.adamSteps ?? 0,
});

/** Weights that are equal have one hash, whatever model they belong to; moments are not weights. */
export const versionOf = ({ head, origin, table, generation, optimizerStep }: TabularModel): ModelVersion => {
  const weights = table.toRows().map(({ context, weights }) => [context, weights]);
  const hash = createHash("sha256")
    .update(JSON.stringify([head, origin, table.totalDecay, weights]))
    .digest("hex");
  return { generation, optimizerStep, weightsHash: hash };
};
