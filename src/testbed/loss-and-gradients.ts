import type { Loss } from "../ports/trainer.js";

/** A loss and its derivative by each number that it was computed from (logp, v or s). */
export interface LossAndGradients {
  readonly loss: number;
  readonly gradients: readonly number[];
}

export type LossOf<Kind extends Loss["kind"]> = Extract<Loss, { kind: Kind }>;
