import type { Evaluation } from "../../src/domain/evaluation.js";
import type { LoggedRun, TimedMetrics } from "../../src/ports/metric-logger.js";

const BEGIN = Date.UTC(2026, 0, 1);

/** A line of metrics, a second an iteration after the run's beginning. */
export const line = (stage: string, iteration: number, metrics: Readonly<Record<string, number>>): TimedMetrics => ({
  ...{ stage, iteration, metrics },
  at: new Date(BEGIN + 1000 * iteration),
});

export const loggedRun = (directory: string, history: readonly TimedMetrics[] = []): LoggedRun => ({
  runId: "1f2e3d4c-0000-4000-8000-000000000001",
  name: "reviews-seed1",
  directory,
  startedAt: new Date(BEGIN),
  recipe: { name: "reviews", seed: 1, policy: { kind: "online", reset: { proportion: 0.5 }, adaptiveKl: null } },
  history,
  note: () => undefined,
});

const metric = (mean: number) => ({ mean, low: mean - 1, high: mean + 1, n: 8 });

const model = (mean: number): Evaluation["policy"] => ({
  ...{ score: metric(mean), klK1: metric(mean), klK3: metric(mean), responseTokens: metric(mean) },
  ...{ endedShare: metric(mean), distinctShare: metric(mean), distinct1: metric(mean), distinct2: null },
  ...{ rouge1: null, rouge2: null, rougeL: null },
});

export const evaluation: Evaluation = {
  rewardAccuracy: metric(0.75),
  sft: model(0),
  policy: model(2),
  reference: null,
  difference: { score: metric(2), judgeWinRate: metric(0.625) },
  winRates: [
    { judge: "lexicon", of: "policy", against: "sft", winRate: metric(0.625), ties: 1, unjudged: 0 },
    { judge: "lexicon", of: "policy", against: "reference", winRate: metric(0.5), ties: 0, unjudged: 0 },
    { judge: "lexicon", of: "sft", against: "reference", winRate: metric(0.25), ties: 0, unjudged: 0 },
  ],
  agreement: [],
  scoreScale: { mean: 0, standardDeviation: 1 },
  bestIteration: 3,
  settings: { rollouts: 8 },
};
