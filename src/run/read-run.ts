import { movedPlaces } from "../config/places.js";
import type { Evaluation } from "../domain/evaluation.js";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { BadInputError, CorruptStateError } from "../errors.js";
import type { Commit, MetricsLine } from "../ports/run-directory.js";
import { lastCommitOf } from "./journal.js";
import { readEvaluation } from "./read-evaluation.js";
import { readIfThere } from "./read-if-there.js";
import { type RunState, runState } from "./run-state.js";
import { salvageJournal } from "./salvage-journal.js";
import { metricsLineSchema, runPaths, runRecordSchema, type JournalEntry, type RunRecord } from "./run-files.js";
import { least } from "../math/extremes.js";

/** A run as its files tell it. What reports does so from this and nothing else. */
export interface RunReading {
  readonly directory: string;
  readonly record: RunRecord;
  /** Sessions and commits, oldest first. */
  readonly journal: readonly JournalEntry[];
  readonly lastCommit: Commit | null;
  readonly state: RunState;
  /** One line for each stage and iteration: the latest, where a stage ran again. By stage in order of appearance. */
  readonly metrics: readonly MetricsLine[];
  /** null before the run is through, or if the file is damaged. */
  readonly evaluation: Evaluation | null;
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
}

/**
 * Reads a run, be it under way, interrupted or finished, without a lock and without changing it.
 * @throws BadInputError if the folder holds no run; CorruptStateError if recipe.json is damaged. Other damage is a named
 * problem of the result.
 */
export async function readRun(directory: string): Promise<RunReading> {
  const record = await readRunRecord(directory);
  const paths = runPaths(directory);
  const problems: string[] = [];
  const { entries: journal, problem, isTorn } = await salvageJournal(paths.journal);
  if (problem !== null) problems.push(problem);
  const metrics = await readMetrics(paths.metrics, problems);
  const evaluation = await orProblem(() => readEvaluation(directory), null, problems);
  const [lastCommit, state] = [lastCommitOf(journal), await runState(directory, journal)];
  // A line under way is none yet; a process that ended while it wrote one will not end it.
  if (isTorn && state.status !== "running") problems.push(tornJournal(paths.journal, directory));
  return { directory, record, journal, lastCommit, state, metrics, evaluation, problems };
}

const tornJournal = (path: string, directory: string): string =>
  `${path}: its last line is cut off, and what it told is lost. The run goes on from the line before: ` +
  `drpo train --resume --run-dir ${directory}`;

/**
 * recipe.json of a run: its resolved recipe, id, versions and hashes. What was moved together with the run's folder is
 * named where it is now.
 * @throws BadInputError if there is none; CorruptStateError if it is damaged
 */
export async function readRunRecord(directory: string): Promise<RunRecord> {
  const { recipe: path } = runPaths(directory);
  const text = await readIfThere(path);
  if (text === null) throw new BadInputError(`${directory} holds no run: there is no recipe.json. Check the folder.`);
  const record = parseFile(path, text, runRecordSchema);
  const { directory: from = directory } = record;
  const recipe = from === directory ? record.recipe : movedPlaces(record.recipe, from, directory);
  return { ...record, recipe: withSplitById(recipe) };
}

/** A recipe that was resolved before there was `splitBy`, when ids decided: so that the run keeps its split. */
function withSplitById(recipe: RunRecord["recipe"]): RunRecord["recipe"] {
  const withKey = (section: unknown): unknown => {
    if (!isObject(section) || section["splitBy"] !== undefined) return section;
    // Rated responses have always gone by their ids.
    return section["kind"] === "pairs" || section["references"] !== undefined ? { ...section, splitBy: "id" } : section;
  };
  const { data, evaluation } = recipe;
  return {
    ...recipe,
    ...(data === undefined ? {} : { data: withKey(data) }),
    ...(isObject(evaluation) && evaluation["data"] !== undefined
      ? { evaluation: { ...evaluation, data: withKey(evaluation["data"]) } }
      : {}),
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

async function readMetrics(path: string, problems: string[]): Promise<readonly MetricsLine[]> {
  const { lines, damaged } = await readMetricsLines(path);
  if (damaged.length > 0)
    problems.push(`${path}: ${damaged.length} lines are damaged, the first is line ${least(damaged)}.`);
  const stages = [...new Set(lines.map(({ stage }) => stage))];
  return [...lines].sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || a.iteration - b.iteration);
}

/** One line for each stage and iteration, in the order of the file: the latest, at the place of the first. */
export async function readMetricsLines(
  path: string,
): Promise<{ readonly lines: readonly MetricsLine[]; readonly damaged: readonly number[] }> {
  const { rows, damagedLines } = await readJsonLines(path);
  const latest = new Map<string, MetricsLine>();
  const damaged = [...damagedLines];
  for (const { line, value } of rows) {
    const parsed = metricsLineSchema.safeParse(value);
    if (parsed.success) latest.set(JSON.stringify([parsed.data.stage, parsed.data.iteration]), parsed.data);
    else damaged.push(line);
  }
  return { lines: [...latest.values()], damaged };
}

async function orProblem<T>(read: () => Promise<T>, otherwise: T, problems: string[]): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CorruptStateError)) throw error;
    problems.push(error.message);
    return otherwise;
  }
}

function parseFile<T>(path: string, text: string, schema: { parse(value: unknown): T }): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new CorruptStateError(
      `${path} is damaged, or of another version of drpo. Restore it from a copy, or read it with the version that wrote it.`,
      {
        cause: error,
      },
    );
  }
}
