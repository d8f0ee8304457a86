import type { EvaluatedReference, EvaluatedResponse, JudgedRow } from "../domain/evaluation.js";
import type { RunReading } from "../run/read-run.js";
import type { TrainingRollout } from "../run/read-training-rollouts.js";

/** A run, and all of its files that a report shows something of. */
export interface ReportedRun extends RunReading {
  /** Its folder's name, unless a sweep calls it otherwise. */
  readonly name: string;
  readonly seed: number;
  /** Responses to held-out prompts; empty before the run is through. */
  readonly rows: {
    readonly policy: readonly EvaluatedResponse[];
    readonly sft: readonly EvaluatedResponse[];
    readonly reference: readonly EvaluatedReference[];
    readonly verdicts: readonly JudgedRow[];
  };
  readonly training: TrainingSummary;
  /** How to run it again. */
  readonly command: string;
}

/** What is kept of a run's training rollouts, of which there can be hundreds of thousands. */
export interface TrainingSummary {
  /** One for each rollout, by iteration. */
  readonly returns: readonly PrefixReturn[];
  /** The first rollouts of the last iteration, whole. */
  readonly last: readonly TrainingRollout[];
}

/** Where a rollout started, and what came of it. */
export interface PrefixReturn {
  readonly iteration: number;
  readonly prefixTokens: number;
  readonly score: number;
}
