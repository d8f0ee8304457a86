import { createHash } from "node:crypto";
import { DrpoError } from "../../errors.js";
import { readRunRecord } from "../../run/read-run.js";
import { missingRunFiles } from "../../run/missing-run-files.js";
import { type RunRecord, runPaths } from "../../run/run-files.js";
import { flattenRecipe } from "../../config/flatten-recipe.js";
import type { RunState } from "../../run/run-state.js";
import type { Curves, RunDetail, RunSummary } from "../api.js";
import { describeRecipe } from "./describe-recipe.js";
import { evaluationRows, type ShownEvaluation } from "./evaluation-rows.js";
import { fileStamp } from "./file-stamp.js";
import { FollowedJournal } from "./followed-journal.js";
import { FollowedMetrics } from "./followed-metrics.js";
import { RolloutFiles } from "./rollout-files.js";
import { NO_SCORE, scoreSoFar, validationAt } from "./score-so-far.js";
import { type CurvesRequest, stageCurves } from "./stage-curves.js";

/** A file that is read whole when it has changed. */
interface Stamped<T> {
  readonly stamp: string;
  readonly value: T | null;
  /** Why it cannot be read. */
  readonly problem: string | null;
}

const UNREAD = { stamp: "unread", value: null, problem: null };

/** One run, followed as it goes on. Files are read again only when they changed, and logs only where they grew. */
export class FollowedRun {
  readonly rollouts: RolloutFiles;
  private record: Stamped<RunRecord> = UNREAD;
  private evaluation: Stamped<ShownEvaluation> = UNREAD;
  private readonly journal: FollowedJournal;
  private state: RunState = { status: "interrupted", iteration: 0, message: null };
  /** Null while nobody has looked at the run for long; what the list shows of it is kept. */
  private metrics: FollowedMetrics | null = null;
  private metricsStamp = "";
  private metricsProblems: readonly string[] = [];
  private missing: readonly string[] = [];
  private scores = NO_SCORE;
  private signature = "";
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly id: string,
    readonly directory: string,
    private readonly onRead: (bytes: number) => void = () => {},
  ) {
    this.rollouts = new RolloutFiles(runPaths(directory).rollouts, onRead);
    this.journal = new FollowedJournal(directory, onRead);
  }

  /** Numbers of metrics that are in memory. */
  get cells(): number {
    return this.metrics?.cells ?? 0;
  }

  /** As of the last refresh. */
  get summary(): RunSummary {
    const { record, state, scores } = this;
    const { stage, scoredBy, scoredAt, score, kl, sparkline } = scores;
    return {
      ...{ id: this.id, status: record.value ? state.status : "broken", message: record.problem ?? state.message },
      ...describeRecipe(record.value?.recipe ?? {}),
      startedAt: this.journal.began ?? record.value?.createdAt ?? null,
      ...{ stage, iteration: Math.max(scores.iteration, state.iteration), scoredBy, scoredAt, score, kl, sparkline },
      problems: this.problems,
      revision: createHash("sha256").update(this.signature).digest("hex").slice(0, 16),
    };
  }

  private get problems(): readonly string[] {
    const ofFiles = [this.record.problem, this.evaluation.problem].filter((problem) => problem !== null);
    return [...ofFiles, ...this.missing, ...this.journal.problems, ...this.metricsProblems];
  }

  /** Reads what has changed. @returns whether anything has */
  refresh(): Promise<boolean> {
    return this.inTurn(() => this.readChanges());
  }

  /** Reads recipe and journal, without the metrics: how the run stands. */
  readState(): Promise<void> {
    return this.inTurn(() => this.readSmallFiles());
  }

  /** Lets go of metrics and rollouts: they are read again when somebody asks for them, or when they change. */
  release(): void {
    this.metrics = null;
    this.rollouts.release();
  }

  /** @param stages left out: all */
  async curves(request: CurvesRequest, stages?: readonly string[]): Promise<Curves> {
    const metrics = await this.readAll();
    const wanted = [...metrics.stages.values()].filter(({ stage }) => stages?.includes(stage) ?? true);
    return { revision: this.summary.revision, stages: wanted.map((columns) => stageCurves(columns, request)) };
  }

  async detail(): Promise<RunDetail> {
    const metrics = await this.readAll();
    const { value: record } = this.record;
    const { value: evaluation } = this.evaluation;
    const { lastCommit, sessions } = this.journal;
    const bestIteration = lastCommit?.best?.iteration ?? null;
    return {
      summary: this.summary,
      settings: record ? [...flattenRecipe(record.recipe)].map(([key, value]) => setting(key, value)) : [],
      ...{ versions: record?.versions ?? {}, hashes: record?.hashes ?? {}, sessions },
      bestIteration,
      bestValidation: validationAt(metrics, bestIteration),
      committed: lastCommit?.iteration ?? 0,
      evaluation: evaluation?.rows ?? null,
      evaluatedIteration: evaluation?.iteration ?? null,
      rollouts: await this.rollouts.range(),
    };
  }

  /** The prompt, where the recipe has one for all. */
  get promptText(): string | null {
    const prompt = flattenRecipe(this.record.value?.recipe ?? {}).get("data.prompt");
    return typeof prompt === "string" ? prompt : null;
  }

  /** What has changed, and the metrics where they were let go. */
  private readAll(): Promise<FollowedMetrics> {
    return this.inTurn(async () => {
      await this.readChanges();
      return this.metrics ?? (await this.readMetrics());
    });
  }

  private async readSmallFiles(): Promise<void> {
    const paths = runPaths(this.directory);
    this.record = await stamped(paths.recipe, this.record, () => readRunRecord(this.directory));
    this.evaluation = await stamped(paths.evaluation, this.evaluation, () => evaluationRows(this.directory));
    await this.journal.follow();
    this.state = await this.journal.state();
  }

  private async readChanges(): Promise<boolean> {
    await this.readSmallFiles();
    if ((await fileStamp(runPaths(this.directory).metrics)) !== this.metricsStamp) await this.readMetrics();
    const parts = [this.record.stamp, this.evaluation.stamp, this.journal.stamp, this.metricsStamp];
    const signature = [...parts, await this.rollouts.stamp(), this.state.status].join("|");
    const hasChanged = signature !== this.signature;
    if (hasChanged) this.missing = await this.missingFiles();
    this.signature = signature;
    return hasChanged;
  }

  /** Without its recipe.json, of which the record says so, it is not known what a run should have. */
  private async missingFiles(): Promise<readonly string[]> {
    const { directory, state } = this;
    const record = this.record.value;
    return record ? missingRunFiles(directory, { record, state }) : [];
  }

  private async readMetrics(): Promise<FollowedMetrics> {
    const metrics = this.metrics ?? new FollowedMetrics(this.directory, this.onRead);
    // Before it is read: what is appended meanwhile is a change that comes.
    this.metricsStamp = await fileStamp(runPaths(this.directory).metrics);
    await metrics.follow();
    this.metrics = metrics;
    this.scores = scoreSoFar(metrics);
    this.metricsProblems = metrics.problems;
    return metrics;
  }

  /** One reader at a time. */
  private inTurn<T>(read: () => Promise<T>): Promise<T> {
    const result = this.last.then(read);
    this.last = result.catch(() => undefined);
    return result;
  }
}

const setting = (key: string, value: unknown) => ({ key, value: JSON.stringify(value) });

/** Reads a file if it is another one than before; damage is a problem of the result, not an error. */
async function stamped<T>(path: string, before: Stamped<T>, read: () => Promise<T | null>): Promise<Stamped<T>> {
  const stamp = await fileStamp(path);
  if (stamp === before.stamp) return before;
  try {
    return { stamp, value: await read(), problem: null };
  } catch (error) {
    const why = error instanceof DrpoError ? error.message : `${path} cannot be read: ${(error as Error).message}`;
    return { stamp, value: null, problem: why };
  }
}
