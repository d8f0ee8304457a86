import { randomUUID } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Recipe } from "../config/recipe.js";
import type { RecordedRollout } from "../domain/rollout.js";
import { openAppendLog, type AppendLog } from "../durable-files/append-log.js";
import { fileError, fileErrorCode } from "../durable-files/file-error.js";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import type { ProcessLock } from "../durable-files/process-lock.js";
import { writeFileAtomically } from "../durable-files/write-file-atomically.js";
import { BadInputError } from "../errors.js";
import type { RunDirectory } from "../ports/run-directory.js";
import { dropUncommitted } from "./drop-uncommitted.js";
import { lastCommitOf, openJournal, readJournal, type Journal } from "./journal.js";
import { lockRun } from "./lock-run.js";
import { readRollouts } from "./read-rollouts.js";
import { readRunRecord } from "./read-run.js";
import { recipeDifferences } from "./recipe-differences.js";
import { refuseChanged, refuseOlderRun } from "./refuse-changed.js";
import { type Outcome, runPaths, type RunRecord } from "./run-files.js";
import { readRunMemory, writeRunMemory } from "./run-memory.js";
import { writeEvaluation } from "./write-evaluation.js";

export interface OpenRunDirectory extends RunDirectory {
  /** As it was given to `openRunDirectory`. */
  readonly directory: string;
  /**
   * Writes down what only the server can tell, once it is known.
   * @throws BadInputError if a hash differs from the one that the run began with
   */
  record(found: {
    readonly versions?: Record<string, string>;
    readonly hashes?: Record<string, string>;
  }): Promise<void>;
  /** Writes down how this session ends: the last line of its journal. */
  end(outcome: Outcome, message: string | null): Promise<void>;
  /** Lets go of the lock. */
  close(): Promise<void>;
}

export interface RunDirectoryOptions {
  /** Absolute. */
  readonly directory: string;
  /** Resolved: every default written out, paths absolute. */
  readonly recipe: Recipe;
  /** Go on with the run that is there, instead of starting one. */
  readonly resume: boolean;
  /** Name -> version: drpo, node ... */
  readonly versions?: Record<string, string>;
  /** Name -> SHA-256 (hexadecimal) of what the run depends on: data, base ... */
  readonly hashes?: Record<string, string>;
  readonly now?: () => Date;
}

/**
 * Opens a run's directory for writing: one process at a time.
 * @throws EnvironmentError if another process writes this run (it is named), or the disk does not let us; BadInputError
 * if there is a run and `resume` is not asked for, or none and it is, or if recipe or hashes are not those that the run
 * began with; CorruptStateError if its files are damaged
 */
export async function openRunDirectory(options: RunDirectoryOptions): Promise<OpenRunDirectory> {
  const { directory, resume } = options;
  const paths = runPaths(directory);
  await refuseWithoutLock(options);
  // What to undo, the latest first, if a later step refuses.
  const opened: (() => Promise<void>)[] = [];
  try {
    const lock = await lockRun(directory);
    opened.unshift(() => lock.release());
    const record = resume ? await resumedRecord(options) : await newRecord(options);
    await mkdir(paths.rollouts, { recursive: true });
    const journal = await openJournal(paths.journal);
    opened.unshift(() => journal.close());
    await dropUncommitted(paths, journal.lastCommit()?.iteration ?? 0);
    const metrics = await openAppendLog(paths.metrics, { durable: false });
    opened.unshift(() => metrics.close());
    const run = new LockedRunDirectory(options, record, lock, journal, metrics);
    await run.record({ versions: options.versions ?? {}, hashes: options.hashes ?? {} });
    await journal.append({ event: "opened", at: run.now(), pid: process.pid, versions: options.versions ?? {} });
    return run;
  } catch (error) {
    for (const undo of opened) await undo();
    throw fileError(error, `opening the run directory ${directory}`);
  }
}

class LockedRunDirectory implements OpenRunDirectory {
  readonly directory: string;
  private readonly paths: ReturnType<typeof runPaths>;
  private isSameBase = false;

  constructor(
    private readonly options: RunDirectoryOptions,
    private stored: RunRecord,
    private readonly lock: ProcessLock,
    private readonly journal: Journal,
    private readonly metrics: AppendLog,
  ) {
    this.directory = options.directory;
    this.paths = runPaths(options.directory);
  }

  get runId(): string {
    return this.stored.runId;
  }

  get createdAt(): string {
    return this.stored.createdAt;
  }

  now(): string {
    return (this.options.now?.() ?? new Date()).toISOString();
  }

  async record({ versions = {}, hashes = {} }: Parameters<OpenRunDirectory["record"]>[0]): Promise<void> {
    const { stored } = this;
    refuseChanged(this.directory, stored.hashes, hashes);
    // Versions are those of the run's beginning; the journal has those of each session.
    this.isSameBase ||= hashes["base"] !== undefined;
    const next = {
      ...(this.isSameBase ? withPlacesOfNow(stored, this.options) : stored),
      versions: { ...versions, ...stored.versions },
      hashes: { ...hashes, ...stored.hashes },
    };
    if (JSON.stringify(next) === JSON.stringify(stored)) return;
    await writeRecord(this.directory, next);
    this.stored = next;
  }

  identify: RunDirectory["identify"] = (name, hash) => this.record({ hashes: { [name]: hash } });

  lastCommit: RunDirectory["lastCommit"] = () => this.journal.lastCommit();

  commit: RunDirectory["commit"] = (commit) => this.journal.append({ event: "commit", at: this.now(), commit });

  end: OpenRunDirectory["end"] = (outcome, message) =>
    this.journal.append({ event: "ended", at: this.now(), outcome, message });

  appendMetrics: RunDirectory["appendMetrics"] = (line) => this.metrics.append(line);

  writeRollouts: RunDirectory["writeRollouts"] = async (iteration, rollouts) => {
    const lines = rollouts.map((rollout) => `${JSON.stringify(rolloutLine(rollout))}\n`);
    await writeFileAtomically(this.rolloutsOf(iteration), lines.join(""));
  };

  readRollouts: RunDirectory["readRollouts"] = (iteration) => readRollouts(this.rolloutsOf(iteration));

  writeMemory: RunDirectory["writeMemory"] = (iteration, memory) =>
    writeRunMemory(this.paths.memory, iteration, memory);

  readMemory: RunDirectory["readMemory"] = (ref) => readRunMemory(this.paths.memory, ref);

  writeEvaluation: RunDirectory["writeEvaluation"] = (evaluation, rows) =>
    writeEvaluation(this.directory, evaluation, rows);

  private rolloutsOf(iteration: number): string {
    return join(this.paths.rollouts, `${String(iteration).padStart(6, "0")}.jsonl`);
  }

  async close(): Promise<void> {
    await this.journal.close();
    await this.metrics.close();
    await this.lock.release();
  }
}

/** One line of rollouts/ITERATION.jsonl. JSON has no 64-bit integers: those of the version are decimal strings. */
function rolloutLine({ reset, version, ...rollout }: RecordedRollout) {
  const { generation, optimizerStep, weightsHash } = version;
  return {
    ...{
      row: reset.row,
      continuation: rollout.continuation,
      sourceId: reset.sourceId,
      score: rollout.score,
      text: rollout.text,
    },
    ...{ finishReason: rollout.finishReason, prompt: reset.prompt, prefix: reset.prefix, generated: rollout.generated },
    ...{ tokenTexts: rollout.tokenTexts, samplerLogprobs: rollout.samplerLogprobs },
    ...{ referenceLogprobs: rollout.referenceLogprobs, maxNewTokens: reset.maxNewTokens },
    ...(reset.fraction === undefined ? {} : { fraction: reset.fraction }),
    ...(reset.parent ? { parent: reset.parent } : {}),
    ...(rollout.firstActionByReference ? { firstActionByReference: true } : {}),
    version: { generation: String(generation), optimizerStep: String(optimizerStep), weightsHash },
  };
}

/** What can be refused before a lock file is put into somebody's folder. */
async function refuseWithoutLock({ directory, resume }: RunDirectoryOptions): Promise<void> {
  const names = await visibleNames(directory);
  if (names.includes(basename(runPaths(directory).recipe))) return;
  if (resume) {
    throw new BadInputError(
      `There is no run to resume in ${directory} (it has no recipe.json). Check --run-dir, or leave out --resume to start one.`,
    );
  }
  if (names.length > 0) {
    throw new BadInputError(
      `${directory} holds other files (${names.slice(0, 3).join(", ")}) and no run. Name a new or an empty folder with --run-dir.`,
    );
  }
}

async function visibleNames(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith("."));
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return [];
    throw fileError(error, `opening the run directory ${directory}`);
  }
}

async function newRecord({ directory, recipe, versions, hashes, now }: RunDirectoryOptions): Promise<RunRecord> {
  const paths = runPaths(directory);
  if ((await visibleNames(directory)).includes(basename(paths.recipe))) {
    const committed = lastCommitOf((await readJournal(paths.journal)).entries)?.iteration ?? 0;
    const hasBegun = committed > 0 || (await readJsonLines(paths.metrics)).rows.length > 0;
    // A run that was refused before it computed anything (no server, a prompt too long) stands in nobody's way.
    if (hasBegun)
      throw new BadInputError(
        `${directory} holds a run already (${committed} iterations of the policy stage are committed). ` +
          "Go on with it by --resume, or start a new one with another --run-dir.",
      );
  }
  const record: RunRecord = {
    ...{ runId: randomUUID(), createdAt: (now?.() ?? new Date()).toISOString(), directory },
    ...{ versions: versions ?? {}, hashes: hashes ?? {} },
    recipe: JSON.parse(JSON.stringify(recipe)) as Record<string, unknown>,
  };
  await writeRecord(directory, record);
  return record;
}

async function resumedRecord({ directory, recipe }: RunDirectoryOptions): Promise<RunRecord> {
  const record = await readRunRecord(directory);
  refuseOlderRun(directory, record);
  const differences = recipeDifferences(record.recipe, JSON.parse(JSON.stringify(recipe)));
  if (differences.length === 0) return record;
  const shown = (value: unknown): string => JSON.stringify(value) ?? "not there";
  const lines = differences.map(
    ({ key, before, now }) => `  ${key}: ${shown(before)} when the run began, ${shown(now)} now`,
  );
  throw new BadInputError(
    `The run in ${directory} cannot go on with another recipe:\n${lines.join("\n")}\n` +
      "Resume with the recipe that it began with, or start a new run with another --run-dir.",
  );
}

/** Where files are now, for what reads the run later. How its server is reached, and its loggers, stay the first ones. */
function withPlacesOfNow(record: RunRecord, { directory, recipe }: RunDirectoryOptions): RunRecord {
  const now = JSON.parse(JSON.stringify(recipe)) as RunRecord["recipe"];
  const { server, loggers } = record.recipe;
  return { ...record, directory, recipe: { ...record.recipe, ...now, server, loggers } };
}

const writeRecord = (directory: string, record: RunRecord): Promise<void> =>
  writeFileAtomically(runPaths(directory).recipe, `${JSON.stringify(record, null, 2)}\n`);
