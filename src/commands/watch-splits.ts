import type { Progress } from "../ports/progress.js";
import type { RunDirectory } from "../ports/run-directory.js";

/** Calls that the server had to split, as memory ran out. */
export interface SplitWatch {
  /** @param tokenBudget most tokens of a micro-batch with which a call succeeded */
  readonly onSplit: (tokenBudget: number) => void;
  /** The same run directory, whose metrics say `tokenBudget` where calls before them were split: the smallest. */
  readonly inMetrics: <Run extends RunDirectory>(run: Run) => Run;
}

/** Tells a person of each budget once, and the metrics of every iteration. */
export function watchSplits(progress: Pick<Progress, "note">): SplitWatch {
  const noted = new Set<number>();
  let least = Infinity;
  return {
    onSplit(tokenBudget) {
      least = Math.min(least, tokenBudget);
      if (noted.has(tokenBudget)) return;
      noted.add(tokenBudget);
      progress.note(
        `memory ran out: a batch was computed ${tokenBudget} tokens at a time. A server.tokenBudget of ${tokenBudget} saves the attempt`,
      );
    },
    inMetrics: (run) =>
      Object.assign(Object.create(run) as typeof run, {
        async appendMetrics(line: Parameters<RunDirectory["appendMetrics"]>[0]) {
          const split = least < Infinity ? { tokenBudget: least } : {};
          least = Infinity;
          await run.appendMetrics({ ...line, metrics: { ...line.metrics, ...split } });
        },
      }),
  };
}
