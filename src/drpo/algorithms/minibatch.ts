import type { Experience } from "../../domain/experience.js";
import type { ModelLoss } from "../../ports/trainer.js";

/** A loss, and the metric that it is logged as: its sum divided by `scale`. */
export interface NamedLoss extends ModelLoss {
  readonly name: string;
  readonly scale?: number;
}

/** What takes an optimiser step together. */
export interface Minibatch<E extends Experience = Experience> {
  readonly experience: readonly E[];
  /** Weight of each credited token in the policy loss: its share of the mean times its policyWeight; [tokens]. */
  readonly policyWeights: readonly number[];
  /** Weight of each credited token in a mean over all of them; [tokens]. */
  readonly tokenWeights: readonly number[];
}
