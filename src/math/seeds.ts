import { createHash } from "node:crypto";

/** What randomness is for. Two purposes never share a number, so training, selection and evaluation use disjoint noise. */
export type SeedPurpose =
  | "model"
  | "sft-order"
  | "reward-order"
  | "score-scale"
  | "reset"
  | "reset-source"
  | "reset-condition"
  | "first-action"
  | "minibatch"
  | "dpo-pairs"
  | "rollout"
  | "validation"
  | "evaluation"
  | "bootstrap"
  | "sample"
  | "sweep";

/**
 * The seed of one thing of a run: a function of its position alone, never of what was drawn before it.
 * @param position for rollouts: iteration, row, continuation
 * @returns unsigned 64-bit
 */
export function seedAt(runSeed: number, purpose: SeedPurpose, ...position: readonly number[]): bigint {
  const digest = createHash("sha256")
    .update(JSON.stringify([runSeed, purpose, ...position]))
    .digest();
  return digest.readBigUInt64LE(0);
}
