import type { SweepReading, SweepRunReading } from "../run/read-sweep.js";
import type { RunReading } from "../run/read-run.js";
import { type MeanAndSpread, meanAndSpread } from "../math/mean-and-spread.js";

/** What came of one configuration, over those of its seeds that are through; null where none has the figure. */
export interface ConfigurationSummary {
  readonly configuration: string;
  readonly done: number;
  readonly runs: number;
  readonly score: MeanAndSpread | null;
  /** k1, nats a response. */
  readonly kl: MeanAndSpread | null;
  /** By the first judge, against whom it is asked about first. */
  readonly winRate: MeanAndSpread | null;
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
    winRate: spread(({ winRates }) => winRates.find(({ of }) => of === "policy")?.winRate.mean),
  };
}

const spreadOf = (values: readonly number[]): MeanAndSpread | null =>
  values.length > 0 ? meanAndSpread(values) : null;
