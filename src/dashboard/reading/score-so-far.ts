import type { RunSummary } from "../api.js";
import { downsample } from "./downsample.js";
import type { FollowedMetrics } from "./followed-metrics.js";
import type { StageColumns } from "./stage-columns.js";

const SPARKLINE_BUCKETS = 23;

/** What the list shows of a run's metrics. */
export type ScoreSoFar = Pick<RunSummary, "stage" | "scoredBy" | "score" | "kl" | "sparkline"> & {
  /** Of the policy stage, in the metrics. */
  readonly iteration: number;
};

export const NO_SCORE: ScoreSoFar = {
  ...{ stage: null, iteration: 0, scoredBy: null, score: null, kl: null, sparkline: [] },
};

/** Scores of validation, which samples from the prompt, where there are any: those of training start inside good responses. */
export function scoreSoFar({ stages, latestStage }: FollowedMetrics): ScoreSoFar {
  const policy = stages.get("policy");
  const scoredBy = stages.has("validation") ? "validation" : policy?.values.has("score") ? "policy" : null;
  const columns = scoredBy === null ? undefined : stages.get(scoredBy);
  return {
    ...{ stage: latestStage, iteration: policy?.iterations.at(-1) ?? 0, scoredBy },
    ...{ score: latest(columns, "score"), kl: latest(columns, "kl"), sparkline: sparklineOf(columns) },
  };
}

const latest = (columns: StageColumns | undefined, name: string): number | null =>
  columns?.values.get(name)?.findLast(Number.isFinite) ?? null;

function sparklineOf(columns: StageColumns | undefined): readonly number[] {
  const scores = columns?.values.get("score") ?? [];
  const places = downsample(scores, { from: 0, to: scores.length, buckets: SPARKLINE_BUCKETS });
  return places.map((place) => scores[place]!);
}
