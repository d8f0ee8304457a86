import { mean } from "../../math/statistics.js";
import { type CriticKind, CRITICS, type NpgFigure, type NpgOptions } from "./npg-figures.js";
import { greatest } from "../../math/extremes.js";

/** Means over the seeds, and over them the worst of what must hold for each. */
export interface NpgRow {
  readonly critic: CriticKind;
  readonly klCoef: number;
  readonly iterations: number;
  readonly referenceGap: number;
  readonly gap: number;
  readonly bound: number;
  /** The largest share of the bound that the gap reaches with any seed. */
  readonly gapShare: number;
  readonly criticError: number;
  /** The largest share of Lemma B.11's bound, over seeds, states and t. */
  readonly klShare: number;
}

/** A row for every critic, lambda and T, in this order. */
export const npgRows = (runs: readonly NpgFigure[], { klCoefs, iterations: everyT }: NpgOptions): NpgRow[] =>
  CRITICS.flatMap((critic) =>
    klCoefs.flatMap((klCoef) =>
      everyT.map((iterations) => {
        const own = runs.filter(
          (run) => run.critic === critic && run.klCoef === klCoef && run.iterations === iterations,
        );
        return {
          ...{ critic, klCoef, iterations },
          referenceGap: mean(own.map((run) => run.referenceGap)),
          gap: mean(own.map((run) => run.gap)),
          bound: mean(own.map((run) => run.bound.total)),
          gapShare: greatest(own.map((run) => run.gap / run.bound.total)),
          criticError: mean(own.map((run) => run.criticError)),
          klShare: greatest(own.map((run) => run.klShare)),
        };
      }),
    ),
  );
