import type { RunSummary, ValidationFigures } from "../api.js";
import { downsample } from "./downsample.js";
import type { FollowedMetrics } from "./followed-metrics.js";
import type { StageColumns } from "./stage-columns.js";

const SPARKLINE_BUCKETS = 23;

/** What the list shows of a run's metrics. */
export type ScoreSoFar = Pick<RunSummary, "stage" | "scoredBy" | "scoredAt" | "score" | "kl" | "sparkline"> & {
  /** Of the policy stage, in the metrics. */
  readonly iteration: number;
};

export const NO_SCORE: ScoreSoFar = {
  ...{ stage: null, iteration: 0, scoredBy: null, scoredAt: null, score: null, kl: null, sparkline: [] },
};

/** Scores of validation, which samples from the prompt, where there are any: those of training start inside good responses. */
export function scoreSoFar({ stages, latestStage }: FollowedMetrics): ScoreSoFar {
  const policy = stages.get("policy");
  const scoredBy = stages.has("validation") ? "validation" : policy?.values.has("score") ? "policy" : null;
  const columns = scoredBy === null ? undefined : stages.get(scoredBy);
  // Score and KL of one and the same iteration: the last that has a score.
  const scoredAt = columns?.iterations[columns.values.get("score")?.findLastIndex(Number.isFinite) ?? -1] ?? null;
  return {
    stage: latestStage,
    iteration: policy?.iterations.at(-1) ?? 0,
    scoredBy,
    scoredAt,
    score: figureAt(columns, "score", scoredAt),
    kl: figureAt(columns, "kl", scoredAt),
    sparkline: sparklineOf(columns),
  };
}

/** What validation said of the policy of an iteration; null where it did not look at it. */
export function validationAt({ stages }: FollowedMetrics, iteration: number | null): ValidationFigures | null {
  const columns = stages.get("validation");
  const [score, kl] = [figureAt(columns, "score", iteration), figureAt(columns, "kl", iteration)];
  return score === null && kl === null ? null : { score, kl };
}

function figureAt(columns: StageColumns | undefined, name: string, iteration: number | null): number | null {
  if (columns === undefined || iteration === null) return null;
  const place = columns.placeOf(iteration);
  const value = columns.iterations[place] === iteration ? columns.values.get(name)?.[place] : undefined;
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function sparklineOf(columns: StageColumns | undefined): readonly number[] {
  const scores = columns?.values.get("score") ?? [];
  const places = downsample(scores, { from: 0, to: scores.length, buckets: SPARKLINE_BUCKETS });
  return places.map((place) => scores[place]!);
}
