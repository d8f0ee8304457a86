import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withoutByteOrderMark } from "../config/text-file.js";
import { movedFile } from "../config/places.js";
import { fileErrorCode } from "../durable-files/file-error.js";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { BadInputError, CorruptStateError, DrpoError } from "../errors.js";
import { readRun, type RunReading } from "./read-run.js";
import type { RunState } from "./run-state.js";
import {
  type LaunchEntry,
  launchEntrySchema,
  type StoredSweep,
  storedSweepSchema,
  type StoredSweepRun,
  sweepPaths,
} from "./sweep-files.js";

/** How a run of a sweep stands. `waiting`: it has not begun. */
export interface SweepRunState extends Omit<RunState, "status"> {
  readonly status: "waiting" | RunState["status"];
}

export interface SweepRunReading extends Omit<StoredSweepRun, "directory"> {
  /** Absolute. */
  readonly directory: string;
  readonly state: SweepRunState;
  /** Null before the run has begun, or if its folder is broken. */
  readonly run: RunReading | null;
  /** Of a scheduler, if it was handed to one and nobody has seen its end; `id` is null if it is not known to have arrived. */
  readonly job: { readonly name: string; readonly id: string | null } | null;
  /** When it was last started or handed to a scheduler, ISO 8601; null if that was never, or if its end is known. */
  readonly launchedAt: string | null;
  /** Why its folder cannot be read, a sentence; null if it can. */
  readonly problem: string | null;
}

/** A sweep as its files tell it. */
export interface SweepReading {
  /** Absolute. */
  readonly directory: string;
  readonly name: string;
  readonly createdAt: string;
  /** In the sweep's order. */
  readonly runs: readonly SweepRunReading[];
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
}

/**
 * Reads a sweep, be it under way or finished, without changing it. Whatever state it tells is that of the runs' folders;
 * only of a run that failed before it had one, or that was killed, it comes from what started it.
 * @param directory absolute
 * @param readRunAt how a run is read: a reader that goes on reading can remember what has not changed
 * @throws BadInputError if the folder holds no sweep; CorruptStateError if sweep.json is damaged
 */
export async function readSweep(
  directory: string,
  readRunAt: (directory: string) => Promise<RunReading> = readRun,
): Promise<SweepReading> {
  const stored = await readStoredSweep(directory);
  if (!stored) {
    const { sweep } = sweepPaths(directory);
    throw new BadInputError(`${directory} holds no sweep: there is no ${sweep}. Check the folder's name.`);
  }
  const { launches, problems } = await readLaunches(directory);
  const runs = await Promise.all(
    stored.runs.map((run) => readSweepRun(directory, run, { last: launches.get(run.name), readRunAt })),
  );
  const broken = runs.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`]));
  return { directory, name: stored.name, createdAt: stored.createdAt, runs, problems: [...problems, ...broken] };
}

/** sweep.json, recipes where they are now; null if there is none. @throws CorruptStateError if it is damaged */
export async function readStoredSweep(directory: string): Promise<StoredSweep | null> {
  const { sweep } = sweepPaths(directory);
  let text: string;
  try {
    text = await readFile(sweep, "utf8");
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT" || fileErrorCode(error) === "ENOTDIR") return null;
    throw error;
  }
  try {
    const stored = storedSweepSchema.parse(JSON.parse(withoutByteOrderMark(text)));
    const { directory: from = directory } = stored;
    const runs = stored.runs.map((run) => ({ ...run, recipe: movedFile(run.recipe, from, directory) }));
    return from === directory ? stored : { ...stored, runs };
  } catch (cause) {
    throw new CorruptStateError(`${sweep} is damaged: it is not what drpo sweep writes. Restore it from a copy.`, {
      cause,
    });
  }
}

/** The last entry of each run. */
async function readLaunches(directory: string) {
  const path = sweepPaths(directory).launches;
  const { rows, damagedLines } = await readJsonLines(path);
  const launches = new Map<string, LaunchEntry>();
  const damaged = [...damagedLines];
  for (const { line, value } of rows) {
    const parsed = launchEntrySchema.safeParse(value);
    if (parsed.success) launches.set(parsed.data.run, parsed.data);
    else damaged.push(line);
  }
  const problems = damaged.length > 0 ? [`${path}: ${damaged.length} lines are damaged.`] : [];
  return { launches, problems };
}

async function readSweepRun(
  sweep: string,
  stored: StoredSweepRun,
  { last, readRunAt }: { readonly last: LaunchEntry | undefined; readonly readRunAt: typeof readRun },
): Promise<SweepRunReading> {
  const directory = join(sweep, stored.directory);
  const base = { ...stored, directory, job: jobOf(last), launchedAt: last?.event === "launched" ? last.at : null };
  try {
    const run = await readRunAt(directory);
    return { ...base, run, state: stateOf(run, last), problem: run.problems[0] ?? null };
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    // No recipe.json: it has not begun.
    if (error instanceof BadInputError) return { ...base, run: null, state: unbegun(last), problem: null };
    const message = error.message;
    return { ...base, run: null, state: { status: "failed", iteration: 0, message }, problem: message };
  }
}

const jobOf = (last: LaunchEntry | undefined): SweepRunReading["job"] =>
  last?.event === "launched" && last.job !== null ? { name: last.job, id: last.jobId } : null;

const unbegun = (last: LaunchEntry | undefined): SweepRunState =>
  last?.event === "ended" && last.message !== null
    ? { status: "failed", iteration: 0, message: last.message }
    : { status: "waiting", iteration: 0, message: null };

/**
 * A process that was killed could not say so in the run's journal, nor one that was kept from the run by a lock whose holder
 * cannot be looked into; who started it has seen it.
 */
function stateOf({ state, journal }: RunReading, last: LaunchEntry | undefined): SweepRunState {
  const isAfter = last !== undefined && last.at >= (journal.at(-1)?.at ?? "");
  const isOver = state.status === "done" || state.status === "failed";
  if (isOver || !isAfter || last.event !== "ended" || last.message === null) return state;
  return { ...state, status: "failed", message: last.message };
}
