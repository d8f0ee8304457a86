import type { SweepRunReading } from "../run/read-sweep.js";
import type { PlannedRun } from "./planned-run.js";

type State = SweepRunReading["state"];

/** Whether the sweep has something to do for a run in this state. */
export const isOpen = ({ status }: State, { retryFailed }: { readonly retryFailed: boolean }): boolean =>
  status !== "done" && (status !== "failed" || retryFailed);

/**
 * In which order runs are started: first those that somebody works on, then those that have begun. Of the rest, one of each
 * group that shares stages, then the second of each, and so on: two that need the same SFT at once would make one of them
 * wait for the other.
 */
export function startOrder(runs: readonly PlannedRun[], stateOf: (run: PlannedRun) => State): readonly PlannedRun[] {
  const sizes = new Map<string, number>();
  const ranked = runs.map((run) => {
    const rank = sizes.get(run.sharedStages) ?? 0;
    sizes.set(run.sharedStages, rank + 1);
    const { status } = stateOf(run);
    return { run, begun: status === "running" ? 0 : status === "waiting" ? 2 : 1, rank };
  });
  return ranked.sort((a, b) => a.begun - b.begun || a.rank - b.rank).map(({ run }) => run);
}
