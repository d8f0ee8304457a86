import { mean, quantile } from "../../math/statistics.js";
import type { LockFigure, LockOptions } from "./lock-figures.js";
import { type LockMethod, METHODS } from "./lock-methods.js";
import { greatest, least } from "../../math/extremes.js";

/** The seeds of one method at one H. */
export interface LockRow {
  readonly horizon: number;
  readonly method: LockMethod["name"];
  readonly label: string;
  /** Sampled tokens that were allowed. */
  readonly budgetTokens: number;
  /** Of the seeds. */
  readonly solved: number;
  readonly seeds: number;
  /** Exact probability of the right response, over the seeds. */
  readonly meanSuccess: number;
  readonly lowestSuccess: number;
  readonly highestSuccess: number;
  /** Median over the seeds, where all are solved. */
  readonly tokensToSolve: number | null;
}

export const lockRows = (figures: readonly LockFigure[], { horizons, seeds }: LockOptions): readonly LockRow[] =>
  horizons.flatMap((horizon) =>
    METHODS.map(({ name, label }): LockRow => {
      const own = figures.filter((figure) => figure.horizon === horizon && figure.method === name);
      const successes = own.map(({ success }) => success);
      const solved = own.filter(({ isSolved }) => isSolved).length;
      const tokens = own.map((figure) => figure.tokens).sort((a, b) => a - b);
      return {
        ...{ horizon, method: name, label, solved, seeds: seeds.length },
        budgetTokens: own[0]!.budgetTokens,
        meanSuccess: mean(successes),
        lowestSuccess: least(successes),
        highestSuccess: greatest(successes),
        tokensToSolve: solved === own.length ? quantile(tokens, 0.5) : null,
      };
    }),
  );
