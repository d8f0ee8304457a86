import { valueAt } from "./run-summary.js";

type Settings = Readonly<Record<string, unknown>>;

/** What the paper calls a recipe's method: "DPO", "PPO", "DR-PO", "PPO++"; other algorithms by their own names. */
export function methodName(recipe: Settings): string {
  if (valueAt(recipe, "policy.kind") === "dpo") return "DPO";
  const kind = valueAt(recipe, "policy.algorithm.kind");
  if (typeof kind !== "string") return "unknown method";
  const algorithm = algorithmName(kind);
  if (!(resetProportion(recipe)! > 0)) return algorithm;
  const source = valueAt(recipe, "policy.reset.source.kind");
  if (source === "livePolicy" && valueAt(recipe, "policy.reset.source.writer.kind") === "reference")
    return `${algorithm}++`;
  if (source !== "dataset") return `${algorithm} with resets`;
  return kind === "ppo" ? "DR-PO" : `DR-PO with ${algorithm}`;
}

/** Share of rollouts that start from a reset; null where nothing is rolled out. */
export function resetProportion(recipe: Settings): number | null {
  const proportion = valueAt(recipe, "policy.reset.proportion");
  return valueAt(recipe, "policy.kind") !== "dpo" && typeof proportion === "number" ? proportion : null;
}

const algorithmName = (kind: string): string =>
  kind === "policyGradient" ? "Policy gradient" : /^[a-z]{2,5}$/.test(kind) ? kind.toUpperCase() : kind;
