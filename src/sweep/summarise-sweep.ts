import type { SweepReading, SweepRunReading } from "../run/read-sweep.js";
import type { RunReading } from "../run/read-run.js";
import { mean } from "../math/statistics.js";

/** A figure over the seeds of a configuration. */
export interface Spread {
  readonly mean: number;
  /** Sample standard deviation (n - 1); null of a single seed. */
  readonly sd: number | null;
  readonly n: number;
}

/** What came of one configuration, over those of its seeds that are through; null where none has the figure. */
export interface ConfigurationSummary {
  readonly configuration: string;
  readonly done: number;
  readonly runs: number;
  readonly score: Spread | null;
  /** k1, nats a response. */
  readonly kl: Spread | null;
  /** Against SFT, by the first judge. */
  readonly winRate: Spread | null;
}

/** The sweep's results by configuration, in the sweep's order. */
export function summariseSweep({ runs }: SweepReading): readonly ConfigurationSummary[] {
  const names = [...new Set(runs.map(({ configuration }) => configuration))];
  return names.map((configuration) =>
    summarise(
      configuration,
      runs.filter((run) => run.configuration === configuration),
    ),
  );
}

function summarise(configuration: string, runs: readonly SweepRunReading[]): ConfigurationSummary {
  const evaluations = runs.flatMap(({ state, run }) =>
    state.status === "done" && run?.evaluation ? [run.evaluation] : [],
  );
  const spread = (figure: (evaluation: NonNullable<RunReading["evaluation"]>) => number | undefined) =>
    spreadOf(evaluations.flatMap((evaluation) => figure(evaluation) ?? []));
  return {
    ...{ configuration, runs: runs.length },
    done: runs.filter(({ state }) => state.status === "done").length,
    score: spread(({ policy }) => policy.score.mean),
    kl: spread(({ policy }) => policy.klK1.mean),
    winRate: spread(({ difference }) => difference.judgeWinRate?.mean),
  };
}

function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { mean: centre, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null, n: values.length };
}
