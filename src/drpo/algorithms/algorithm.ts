import type { ModelHandle } from "../../domain/model.js";
import type { Observation } from "../../domain/experience.js";
import type { ScoredRollout } from "../../domain/rollout.js";
import type { CallOptions } from "../../ports/call-options.js";
import type { Trainer } from "../../ports/trainer.js";
import type { ReferenceAhead } from "../reference-ahead.js";

/** The models that an update reads or trains, at their versions of this iteration. */
export interface PolicyModels {
  readonly policy: ModelHandle;
  /** Trained beside the policy by algorithms that need a value function. */
  readonly critic: ModelHandle | null;
  /** The frozen SFT policy. */
  readonly reference: ModelHandle;
}

/** Who draws the first token of a rollout: the policy, or (Algorithm 3) reference and policy with equal chances. */
export type FirstAction = "policy" | "evenMixture";

export interface UpdateContext {
  readonly trainer: Trainer;
  /** What the reference makes of rollouts, where that was computed while others were sampled. */
  readonly referenceAhead?: ReferenceAhead | undefined;
  readonly models: PolicyModels;
  /** 0-based. */
  readonly iteration: number;
  /** T: for schedules. */
  readonly iterations: number;
  /** Temperature that the rollouts were sampled at; log-probs are taken at the same. */
  readonly temperature: number;
  /** Of this iteration: an adaptive one changes between iterations. */
  readonly klCoef: number;
  /** H: the response budget, tokens. */
  readonly budget: number;
  readonly endTokenIds: readonly number[];
  readonly seed: number;
}

/** What an update left behind. */
export interface Update {
  readonly models: PolicyModels;
  readonly metrics: Readonly<Record<string, number>>;
  /** What was seen of the rollouts at the weights that wrote them; in their order. The run keeps it. */
  readonly observations: readonly Observation[];
}

/**
 * PO of Algorithm 1: any policy-optimisation oracle. `prepare` makes the training signal of a batch (advantages,
 * groups, pairs) with the weights that wrote it; `update` turns it into new weights.
 */
export interface Algorithm<Signal = unknown> {
  readonly needsCritic: boolean;
  readonly firstAction: FirstAction;
  prepare(context: UpdateContext, rollouts: readonly ScoredRollout[], options?: CallOptions): Promise<Signal>;
  update(context: UpdateContext, signal: Signal, options?: CallOptions): Promise<Update>;
}
