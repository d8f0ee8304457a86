import type { Evaluation } from "../domain/evaluation.js";
import type { MetricsLine } from "./run-directory.js";

/** A line of metrics.jsonl, and when it was written. */
export interface TimedMetrics extends MetricsLine {
  readonly at: Date;
}

/** What a logger is told of a run when a session of it begins. */
export interface LoggedRun {
  /** The same for the run's whole life. */
  readonly runId: string;
  /** Of its folder. */
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  readonly startedAt: Date;
  /** Resolved: the run's configuration. */
  readonly recipe: Readonly<Record<string, unknown>>;
  /** What earlier sessions wrote and still holds, a line for each stage and iteration. */
  readonly history: readonly TimedMetrics[];
  /** Says where the run can be looked at. */
  readonly note: (line: string) => void;
}

/**
 * Shows a run's metrics where people look at them. metrics.jsonl is the truth: each session tells a logger all of it
 * again, so that what a crash left behind, and what a logger missed, is put right.
 *
 * A stage may repeat its iterations after a crash: the later line is the one that counts.
 */
export interface MetricLogger {
  /** As the recipe calls it. */
  readonly kind: string;
  start(run: LoggedRun): Promise<void>;
  log(line: TimedMetrics): Promise<void>;
  logEvaluation(evaluation: Evaluation): Promise<void>;
  /** Everything is where it belongs when the promise is kept. Can be called without a start. */
  close(end: { readonly isDone: boolean }): Promise<void>;
}
