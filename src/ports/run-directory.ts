import type { CheckpointRef } from "../domain/model.js";
import type { ScoredRollout } from "../domain/rollout.js";

/** One commit of the policy stage: all that is needed to go on from here. */
export interface Commit {
  /** Iterations done. */
  readonly iteration: number;
  readonly checkpoint: CheckpointRef;
  /** The best checkpoint so far by the validation objective; null before the first validation. */
  readonly best: { readonly checkpoint: CheckpointRef; readonly iteration: number; readonly objective: number } | null;
  /** Checkpoints that may still be on the server, this one included: a later commit removes those not needed any more. */
  readonly kept: readonly string[];
}

/** A line of metrics.jsonl. */
export interface MetricsLine {
  readonly stage: string;
  /** Iteration of the policy stage, or batch of another stage. */
  readonly iteration: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The files of one run that the stages write. Commits are the truth; what is newer than the last one is dropped on resume. */
export interface RunDirectory {
  /** Random, the same for the run's whole life: names it to model servers. */
  readonly runId: string;
  lastCommit(): Commit | null;
  /** Appends to the journal and fsyncs: after this the iteration has happened. */
  commit(commit: Commit): Promise<void>;
  appendMetrics(line: MetricsLine): Promise<void>;
  /** rollouts/ITERATION.jsonl, written whole. */
  writeRollouts(iteration: number, rollouts: readonly ScoredRollout[], texts: readonly string[]): Promise<void>;
  writeEvaluation(evaluation: unknown): Promise<void>;
}
