import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileErrorCode } from "../durable-files/file-error.js";
import { BadInputError, DrpoError } from "../errors.js";
import { missingRunFiles } from "../run/missing-run-files.js";
import { readEvaluationRows } from "../run/read-evaluation.js";
import { readRun } from "../run/read-run.js";
import { readSweep } from "../run/read-sweep.js";
import { readTrainingRollouts, type TrainingRollout } from "../run/read-training-rollouts.js";
import { runPaths } from "../run/run-files.js";
import { sweepPaths } from "../run/sweep-files.js";
import type { PrefixReturn, ReportedRun, TrainingSummary } from "./reported-run.js";
import { valueAt } from "./run-summary.js";

/** What a report is about. */
export interface ReportedRuns {
  /** Of the sweep or of the only run; null for several. */
  readonly title: string | null;
  readonly runs: readonly ReportedRun[];
  /** Runs of a sweep that have not begun, or failed before they had a folder. */
  readonly unbegun: readonly { readonly name: string; readonly status: string; readonly message: string | null }[];
  /** Folders of which nothing could be read, a sentence each. */
  readonly problems: readonly string[];
}

/** A folder of a run, and what is known of it besides. */
interface Place {
  readonly directory: string;
  readonly name: string;
  /** How a sweep started it. */
  readonly command: string | null;
}

/**
 * Reads runs, sweeps, and folders of either. A folder that cannot be read is named among the problems, and the rest is read.
 * @param directories absolute; at least one
 * @throws BadInputError if there is no run in any of them; another DrpoError if the only run there is cannot be read
 */
export async function readReportedRuns(directories: readonly string[]): Promise<ReportedRuns> {
  const found = await Promise.all(directories.map(findRuns));
  const places = [...new Map(found.flatMap((one) => one.places).map((place) => [place.directory, place])).values()];
  const errors: DrpoError[] = [];
  const runs: ReportedRun[] = [];
  // One after the other: each may hold many rollouts.
  for (const place of places) {
    try {
      runs.push(await readReportedRun(place));
    } catch (error) {
      if (!(error instanceof DrpoError)) throw error;
      errors.push(error);
    }
  }
  const problems = [...found.flatMap((one) => one.problems), ...errors.map(({ message }) => message)];
  const unbegun = found.flatMap((one) => one.unbegun);
  if (runs.length === 0 && unbegun.length === 0) throw errors[0] ?? new BadInputError(problems.join("\n"));
  const title = directories.length === 1 ? (found[0]!.title ?? nameOf(runs[0])) : null;
  return { title, runs, unbegun, problems };
}

const nameOf = (run: ReportedRun | undefined): string | null => {
  const name = run?.record.recipe["name"];
  return typeof name === "string" ? name : null;
};

type Found = Omit<ReportedRuns, "runs"> & { readonly places: readonly Place[] };

async function findRuns(directory: string): Promise<Found> {
  if (await isThere(sweepPaths(directory).sweep)) return findRunsOfSweep(directory);
  const paths = runPaths(directory);
  const files = [paths.recipe, paths.journal, paths.metrics, paths.rollouts];
  const isRun = (await Promise.all(files.map(isThere))).includes(true);
  const names = isRun ? [] : await subfolders(directory);
  const inside = await Promise.all(
    names.map(async (name) => {
      const holds = await Promise.all(
        [runPaths(join(directory, name)).recipe, sweepPaths(join(directory, name)).sweep].map(isThere),
      );
      return holds.includes(true) ? findRuns(join(directory, name)) : [];
    }),
  );
  const below = inside.flat();
  if (below.length === 0) return { ...NOTHING, places: [placeOf(directory)] };
  return {
    title: basename(directory),
    places: below.flatMap(({ places }) => places),
    unbegun: below.flatMap(({ unbegun }) => unbegun),
    problems: below.flatMap(({ problems }) => problems),
  };
}

const NOTHING = { title: null, unbegun: [], problems: [] };
const placeOf = (directory: string): Place => ({ directory, name: basename(directory), command: null });

async function findRunsOfSweep(directory: string): Promise<Found> {
  let sweep;
  try {
    sweep = await readSweep(directory);
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    return { ...NOTHING, places: [], problems: [error.message] };
  }
  // Without its recipe.json a run looks as if it had not begun, but for its journal.
  const hasJournal = await Promise.all(sweep.runs.map((run) => isThere(runPaths(run.directory).journal)));
  const hasFolder = await Promise.all(sweep.runs.map((run) => isThere(run.directory)));
  const begun = sweep.runs.filter(
    (run, i) => run.run !== null || hasJournal[i] || (hasFolder[i] && run.state.status !== "waiting"),
  );
  return {
    title: sweep.name,
    places: begun.map((run) => ({ directory: run.directory, name: run.name, command: trainCommand(run) })),
    unbegun: sweep.runs
      .filter((run) => !begun.includes(run))
      .map(({ name, state }) => ({ name, status: state.status, message: state.message })),
    problems: sweep.problems.filter(
      (problem) => !sweep.runs.some(({ name, problem: own }) => own !== null && problem === `${name}: ${own}`),
    ),
  };
}

function trainCommand({ recipe, settings }: { readonly recipe: string; readonly settings: readonly string[] }): string {
  return ["drpo train", shellWord(recipe), ...settings.map((setting) => `--set ${shellWord(setting)}`)].join(" ");
}

/** A word that a shell takes as it is. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

async function readReportedRun({ directory, name, command }: Place): Promise<ReportedRun> {
  const reading = await readRun(directory);
  const rows = reading.evaluation === null ? NO_ROWS : await readEvaluationRows(directory);
  const { training, problems } = await readTraining(directory);
  const seed = valueAt(reading.record.recipe, "seed");
  return {
    ...reading,
    ...{ name, rows, training, seed: typeof seed === "number" ? seed : 0 },
    command:
      command ?? `drpo train ${shellWord(runPaths(directory).recipe)} --run-dir ${shellWord(`${directory}-again`)}`,
    problems: [...reading.problems, ...(await missingRunFiles(directory, reading)), ...rows.problems, ...problems],
  };
}

const NO_ROWS = { policy: [], sft: [], reference: [], verdicts: [], problems: [] };
const SHOWN_ROLLOUTS = 4;

async function readTraining(
  directory: string,
): Promise<{ readonly training: TrainingSummary; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const returns: PrefixReturn[] = [];
  let last: TrainingRollout[] = [];
  const rollouts = readTrainingRollouts(directory, (path, lines) =>
    problems.push(`${path}: ${lines.length} lines are damaged, the first is line ${lines[0]!}.`),
  );
  for await (const rollout of rollouts) {
    const { iteration, prefixTokens, score } = rollout;
    returns.push({ iteration, prefixTokens, score });
    if (last[0]?.iteration !== iteration) last = [];
    if (last.length < SHOWN_ROLLOUTS) last.push(rollout);
  }
  return { training: { returns, last }, problems };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(fileErrorCode(error) ?? "")) return false;
    throw error;
  }
}

async function subfolders(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(fileErrorCode(error) ?? "")) return [];
    throw error;
  }
}
