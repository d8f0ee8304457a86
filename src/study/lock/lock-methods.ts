import type { ResetSpec } from "../../config/reset.js";

/** What is compared: one algorithm, three values of ResetSpec. */
export interface LockMethod {
  readonly name: "dr-po" | "released" | "ppo";
  readonly label: string;
  readonly proportion: ResetSpec["proportion"];
  readonly law: "theory" | "released";
}

export const DR_PO: LockMethod = { name: "dr-po", label: "DR-PO", proportion: 1, law: "theory" };
/** The prompt is never one of its states. */
export const RELEASED: LockMethod = { name: "released", label: "DR-PO, released cut", proportion: 1, law: "released" };
export const PPO: LockMethod = { name: "ppo", label: "PPO", proportion: 0, law: "theory" };

export const METHODS: readonly LockMethod[] = [DR_PO, PPO, RELEASED];

export const methodNamed = (name: LockMethod["name"]): LockMethod => METHODS.find((method) => method.name === name)!;
