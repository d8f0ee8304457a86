import type { Head, ModelHandle } from "../domain/model.js";
import type { TokenIds } from "../domain/token-ids.js";
import type { Sampler } from "../ports/sampler.js";
import type { Trainer } from "../ports/trainer.js";
import type { ExactPolicy } from "./enumerate-responses.js";
import { discardGradients } from "./loss-pass.js";
import { logSoftmax } from "./softmax.js";
import { Table, type TableGradients, type TableRule } from "./table.js";
import { newModel } from "./tabular-model.js";
import { TabularRegistry } from "./tabular-registry.js";
import { tabularSampler } from "./tabular-sampler.js";
import { tabularTrainer } from "./tabular-trainer.js";

/** A model that is a table from the start. */
export interface NewTabularModel {
  readonly name: string;
  /** Language model: a logit for each token. Scalar: one number, of a state for a value, of a whole row for a score. */
  readonly head: Head;
  /** First weights, and which contexts share them: `everyContext`, `lastTokens`, or a rule of one's own. */
  readonly rule: TableRule;
  /** False: a reference, which no step may change. True if left out. */
  readonly trainable?: boolean;
}

/**
 * Exact tabular models in this process behind the ports that algorithms are written against: the passes, losses and
 * steps of the testbed's server, in float64, without gRPC. What a call refuses it refuses with the server's ServiceError.
 */
export interface TabularModels {
  readonly trainer: Trainer;
  readonly sampler: Sampler;
  /** @throws RangeError if there is a model of this name */
  create(model: NewTabularModel): ModelHandle;
  /** A model with the weights that another has now, and no moments. @throws RangeError if there is one of this name */
  copy(source: ModelHandle, as: { readonly name: string; readonly trainable?: boolean }): ModelHandle;
  /** A language model as it is at the time of each call, for the exact oracles: natural log-probs of every next token. */
  policy(name: string): ExactPolicy;
  /** A scalar model as it is at the time of each call: the number of a context. */
  scalar(name: string): (context: TokenIds) => number;
  /** Gradients of the losses so far, by state; to be read before the next call. */
  gradients(name: string): TableGradients;
  /** Forgets them, so that no step is made: estimators can be averaged at fixed weights. */
  discardGradients(name: string): void;
}

/** @example
 * const models = tabularModels();
 * const policy = models.create({ name: "policy", head: "language-model", rule: everyContext(() => [0, 0, 0]) });
 * const reference = models.copy(policy, { name: "reference", trainable: false });
 * const critic = models.create({ name: "critic", head: "scalar", rule: everyContext(() => [0]) });
 */
export const tabularModels = (): TabularModels => {
  const registry = new TabularRegistry();
  return {
    trainer: tabularTrainer(registry),
    sampler: tabularSampler(registry),
    create: ({ name, head, rule, trainable = true }) =>
      registry.add(name, newModel({ head, origin: null, table: new Table(rule), trainable, generation: 1n })),
    copy(source, { name, trainable = true }) {
      const { head, origin, table } = registry.find(source);
      const copy = table.copy({ withMoments: false });
      return registry.add(name, newModel({ head, origin, table: copy, trainable, generation: 1n }));
    },
    policy: (name) => (context) => logSoftmax(registry.named(name).table.read(context)),
    scalar: (name) => (context) => registry.named(name).table.read(context)[0] as number,
    gradients: (name) => registry.named(name).gradients,
    discardGradients: (name) => discardGradients(registry.named(name)),
  };
};
