import type { ResetSpec } from "./reset.js";

/** A line for each part of a ResetSpec that contradicts another, named. */
export function resetConflicts({
  source,
  selector,
  proportion,
  condition,
  lossOnPrefix,
}: ResetSpec): readonly string[] {
  const at = "policy.reset";
  const lines: string[] = [];
  if (condition !== null && condition.rollouts < 1) {
    lines.push(
      `${at}.condition.rollouts is ${condition.rollouts}: a condition is decided by the policy's own rollouts, at least 1`,
    );
  }
  if (condition !== null && proportion === 0) {
    lines.push(`${at}.condition is set, but ${at}.proportion is 0: nothing is ever reset, so nothing is decided`);
  }
  if (lossOnPrefix.kind !== "none" && proportion === 0) {
    lines.push(`${at}.lossOnPrefix is "${lossOnPrefix.kind}", but ${at}.proportion is 0: there are no prefixes`);
  }
  if (source.kind === "dataset" && source.minRating !== undefined && source.field !== "any") {
    lines.push(
      `${at}.source.minRating is ${source.minRating} and ${at}.source.field is "${source.field}": ` +
        'a threshold chooses among all responses; set field to "any"',
    );
  }
  if (selector.kind === "whole" && source.kind !== "pool") {
    lines.push(
      `${at}.selector.kind is "whole" and ${at}.source.kind is "${source.kind}": only a pool's rows are prefixes as they are`,
    );
  }
  if (selector.kind === "adaptiveFraction" && source.kind !== "dataset" && source.kind !== "pool") {
    lines.push(
      `${at}.selector.kind is "adaptiveFraction" and ${at}.source.kind is "${source.kind}": a fraction is kept for each ` +
        "example, so the source must have examples that come again (dataset, pool)",
    );
  }
  if (selector.kind === "adaptiveFraction" && source.kind === "dataset" && source.splitOverIterations) {
    lines.push(
      `${at}.selector.kind is "adaptiveFraction" and ${at}.source.splitOverIterations is true: no example would come again`,
    );
  }
  return lines;
}
