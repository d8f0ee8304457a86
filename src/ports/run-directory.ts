import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";
import type { CheckpointRef } from "../domain/model.js";
import type { RecordedRollout } from "../domain/rollout.js";
import type { TokenIds } from "../domain/token-ids.js";

/** What the orchestrator itself remembers between iterations: beside the weights, all that decides what comes next. */
export interface RunMemory {
  /** Of the next iteration: an adaptive one moves. */
  readonly klCoef: number;
  /** Of the reset selector: the interval of each example's fraction. */
  readonly fractions: Readonly<Record<string, readonly [low: number, high: number]>>;
}

/** A memory as it was kept with a commit. */
export interface RunMemoryRef {
  /** Name below memory/. */
  readonly name: string;
  /** SHA-256 (hexadecimal). */
  readonly hash: string;
}

/** What an earlier iteration's rollouts are to one that resets into them. */
export interface StoredRollout {
  readonly row: number;
  readonly continuation: number;
  readonly prompt: TokenIds;
  readonly prefix: TokenIds;
  readonly generated: TokenIds;
  readonly score: number;
}

/** One commit of the policy stage: all that is needed to go on from here. */
export interface Commit {
  /** Iterations done. */
  readonly iteration: number;
  readonly checkpoint: CheckpointRef;
  /** The best checkpoint so far by the validation objective; null before the first validation. */
  readonly best: { readonly checkpoint: CheckpointRef; readonly iteration: number; readonly objective: number } | null;
  /** Checkpoints that may still be on the server, this one included: a later commit removes those not needed any more. */
  readonly kept: readonly string[];
  /** Null in runs of versions that kept none. */
  readonly memory: RunMemoryRef | null;
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
  /** When the run was started, ISO 8601: the time that chat templates write. */
  readonly createdAt: string;
  /**
   * Writes down what a model is that the recipe names by its place, once that is known.
   * @param name its key in the recipe: "sft.path"
   * @throws BadInputError if it is not what the run began with
   */
  identify(name: string, hash: string): Promise<void>;
  lastCommit(): Commit | null;
  /** Appends to the journal and fsyncs: after this the iteration has happened. */
  commit(commit: Commit): Promise<void>;
  appendMetrics(line: MetricsLine): Promise<void>;
  /** rollouts/ITERATION.jsonl, written whole. */
  writeRollouts(iteration: number, rollouts: readonly RecordedRollout[]): Promise<void>;
  /** The rollouts of an iteration that is done, counted from 1. @throws CorruptStateError if they are gone or damaged */
  readRollouts(iteration: number): Promise<readonly StoredRollout[]>;
  /** memory/ITERATION.json, on disk when the promise is kept; those older than the last two are removed. */
  writeMemory(iteration: number, memory: RunMemory): Promise<RunMemoryRef>;
  /** @throws CorruptStateError if it is gone, or not what was kept */
  readMemory(ref: RunMemoryRef): Promise<RunMemory>;
  /** evaluation.json and the files of evaluation/, those of an earlier evaluation replaced. */
  writeEvaluation(evaluation: Evaluation, rows: EvaluationRows): Promise<void>;
}
