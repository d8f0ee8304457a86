// What the dashboard's server and its page say to each other, as JSON. Types alone: the page is compiled without Node.

/** How a run stands; `broken`: its recipe.json cannot be read. */
export type RunStatus = "running" | "done" | "failed" | "interrupted" | "broken";

/** A run in the list. */
export interface RunSummary {
  /** Its folder's path below the folder that is shown, with "/" between names. */
  readonly id: string;
  readonly status: RunStatus;
  /** Why it stands like this, unless it is running or done. */
  readonly message: string | null;
  /** Name of the recipe; null in a broken run. */
  readonly recipe: string | null;
  readonly method: string | null;
  readonly seed: number | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
  /** Of the policy stage: in the metrics so far. */
  readonly iteration: number;
  /** In all; null where the data decide (DPO). */
  readonly iterations: number | null;
  /** That wrote its metrics last: sft, reward, policy, validation. */
  readonly stage: string | null;
  /** Where score and KL are from: validation, from the prompt alone, or the training rollouts before there was one. */
  readonly scoredBy: "validation" | "policy" | null;
  /** Iteration that score and KL are of. */
  readonly scoredAt: number | null;
  readonly score: number | null;
  /** Nats a response. */
  readonly kl: number | null;
  /** The score so far, at most 48 points. */
  readonly sparkline: readonly number[];
  /** What is wrong with its files, a sentence each. */
  readonly problems: readonly string[];
  /** Another one whenever a file of the run has changed. */
  readonly revision: string;
}

/** First event of /api/events: all runs; later ones: those that changed, and the ids of those that are gone. */
export interface RunsEvent {
  readonly isAll: boolean;
  readonly runs: readonly RunSummary[];
  readonly gone: readonly string[];
}

/** GET /api/overview. */
export interface Overview {
  /** The folder that is shown, as a person would type it. */
  readonly folder: string;
  readonly version: string;
  /** Whether "reset here" has a model server to ask. */
  readonly canReset: boolean;
  /** How to start the dashboard so that it has. */
  readonly resetHint: string;
}

export interface RolloutRange {
  readonly first: number;
  readonly last: number;
  /** Iterations with a file of rollouts. */
  readonly count: number;
}

/** GET /api/runs/ID. */
export interface RunDetail {
  readonly summary: RunSummary;
  /** Leaves of the resolved recipe by their dotted path. */
  readonly settings: readonly Setting[];
  readonly versions: Readonly<Record<string, string>>;
  readonly hashes: Readonly<Record<string, string>>;
  readonly sessions: number;
  readonly bestIteration: number | null;
  /** What validation said of the best checkpoint; null without one, or where its line of metrics is gone. */
  readonly bestValidation: ValidationFigures | null;
  readonly committed: number;
  readonly evaluation: readonly EvaluationRow[] | null;
  /** Whose checkpoint that evaluation is of. */
  readonly evaluatedIteration: number | null;
  readonly rollouts: RolloutRange | null;
}

/** Means of one validation. */
export interface ValidationFigures {
  readonly score: number | null;
  /** Nats a response. */
  readonly kl: number | null;
}

export interface Setting {
  readonly key: string;
  /** As JSON. */
  readonly value: string;
}

/** A metric of evaluation.json, as the report writes it; null where there is none. */
export interface EvaluationRow {
  readonly label: string;
  readonly unit: string;
  /** One of the few that runs are compared by. */
  readonly isMain: boolean;
  readonly sft: Figure | null;
  readonly policy: Figure | null;
  /** Policy against another. */
  readonly comparison: Figure | null;
  /** Of the reward itself, whichever policy. */
  readonly reward: Figure | null;
}

/** A mean with its 95 % interval, in words. */
export interface Figure {
  readonly mean: string;
  readonly interval: string;
}

/** GET /api/runs/ID/curves: the metrics of each stage, in reading order. */
export interface Curves {
  readonly revision: string;
  readonly stages: readonly StageCurves[];
}

export interface StageCurves {
  readonly stage: string;
  readonly title: string;
  /** What its metrics are counted by. */
  readonly xName: "iteration" | "batch";
  /** Iterations that the stage has in the file, whatever was asked for. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly curves: readonly Curve[];
}

export interface Curve {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Values there are in the range that was asked for; more than `y` has where buckets show their least and greatest. */
  readonly count: number;
  /** Iterations. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** The smoothed curve at the same iterations; null without smoothing. */
  readonly smooth: readonly number[] | null;
  /** Over the whole range that was asked for. */
  readonly least: number;
  readonly greatest: number;
  readonly latest: number;
}

export type RolloutOrder = "row" | "score" | "kl" | "tokens" | "prefix";

/** GET /api/runs/ID/rollouts?iteration=N. */
export interface RolloutPage {
  readonly iteration: number;
  readonly range: RolloutRange;
  /** The nearest iterations that have rollouts; null at the ends. */
  readonly previous: number | null;
  readonly next: number | null;
  /** Rollouts of the iteration, and those that the search finds. */
  readonly total: number;
  readonly matching: number;
  readonly offset: number;
  readonly rows: readonly RolloutRow[];
  readonly problems: readonly string[];
}

export interface RolloutRow {
  readonly row: number;
  readonly continuation: number;
  readonly score: number;
  /** Sum of ln pi - ln pi_SFT over generated tokens; null in runs of versions that kept no reference. */
  readonly kl: number | null;
  readonly prefixTokens: number;
  readonly generatedTokens: number;
  readonly finishReason: string;
  readonly sourceId: string | null;
  readonly parent: RolloutName | null;
  /** The response, shortened: the end of the prefix and the beginning of what was generated. */
  readonly prefixText: string;
  readonly generatedText: string;
}

export interface RolloutName {
  readonly iteration: number;
  readonly row: number;
  readonly continuation: number;
}

/** GET /api/runs/ID/rollouts/ITERATION/ROW/CONTINUATION. */
export interface RolloutDetail extends RolloutName {
  readonly score: number;
  readonly kl: number | null;
  readonly finishReason: string;
  readonly sourceId: string | null;
  readonly parent: RolloutName | null;
  readonly fraction: number | null;
  readonly promptTokens: number;
  /** Where the recipe has one prompt for all. */
  readonly promptText: string | null;
  readonly prefixTokens: number;
  readonly budget: number;
  readonly text: string;
  /** False in runs of versions that did not keep the text of each token: `pieces` are then token ids. */
  readonly hasTexts: boolean;
  readonly tokens: readonly Token[];
}

export interface Token {
  readonly id: number;
  /** Its part of the text. */
  readonly piece: string;
  /** ln pi at the sampling temperature; null in the prefix. */
  readonly logprob: number | null;
  readonly referenceLogprob: number | null;
}

/** POST /api/runs/ID/reset-here. */
export interface ResetHereBody extends RolloutName {
  /** Tokens of the response that are kept: 0 starts at the prompt. */
  readonly cut: number;
  readonly policy: "best" | "last";
  readonly number: number;
  readonly temperature: number | null;
  readonly seed: number;
}

export interface ResetHereAnswer {
  /** Iteration of the checkpoint that wrote them. */
  readonly iteration: number;
  readonly promptText: string;
  readonly temperature: number;
  /** Score of the rollout that was reset into. */
  readonly original: number;
  readonly mean: number;
  /** Of the scores, divided by n - 1; null for a single one. */
  readonly standardDeviation: number | null;
  readonly continuations: readonly FreshContinuation[];
}

export interface FreshContinuation {
  readonly text: string;
  readonly tokens: number;
  readonly finishReason: string;
  readonly score: number;
}

/** What a request that failed is answered with. */
export interface Failure {
  readonly error: string;
}
