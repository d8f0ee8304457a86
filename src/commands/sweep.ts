import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { loadSweep } from "../config/load-sweep.js";
import type { SweepOptions } from "../config/sweep.js";
import { InterruptedError, RunsFailedError } from "../errors.js";
import { readSweep, type SweepReading } from "../run/read-sweep.js";
import { rememberRuns } from "../run/remember-runs.js";
import { sweepPaths } from "../run/sweep-files.js";
import { type LaunchContext, readingOf } from "../sweep/launch-context.js";
import { launchInTurn } from "../sweep/launch-in-turn.js";
import { launchOnSlurm } from "../sweep/launch-on-slurm.js";
import type { PlannedRun } from "../sweep/planned-run.js";
import type { RunPlace } from "../sweep/run-command.js";
import { slurmQueue } from "../sweep/slurm-queue.js";
import { startByCommand } from "../sweep/start-by-command.js";
import { startProcess } from "../sweep/start-process.js";
import { isOpen, startOrder } from "../sweep/start-order.js";
import { summariseSweep } from "../sweep/summarise-sweep.js";
import { checkSweepFolder, openSweepFolder } from "../sweep/sweep-folder.js";
import { catchInterrupts } from "./catch-interrupts.js";
import { colorsOf, type CommandContext, printJson } from "./command-context.js";
import { dryRunOf, formatDryRun } from "./format-sweep-plan.js";
import { countsOf, failureLines, summaryTable } from "./format-sweep.js";
import { wholeNumber } from "./option-parsers.js";
import { planSweep } from "./plan-sweep.js";
import { showSweep } from "./show-sweep.js";
import { shownPath } from "./shown-path.js";

const POLL_MS = 1000;
const CLI = fileURLToPath(new URL("../cli.js", import.meta.url));

interface SweepCommandOptions {
  readonly runDir?: string;
  readonly runs?: number;
  readonly retryFailed?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** A sweep that was found good, and where it is. */
interface PlannedSweep {
  readonly sweep: SweepOptions;
  /** As it was given. */
  readonly path: string;
  /** Absolute. */
  readonly directory: string;
  readonly runs: readonly PlannedRun[];
}

/** `drpo sweep`: many runs of a recipe. */
export const sweepCommand = (context: CommandContext): Command =>
  new Command("sweep")
    .summary("run a recipe many times: a grid, a list or random draws, with several seeds")
    .description(
      "Runs a recipe with each configuration of a sweep file and each seed. Stages that runs share are computed once. The same " +
        "command goes on with a sweep that was interrupted or killed; a run that fails does not stop the others.",
    )
    .argument("<sweep>", "JSON file")
    .option("--run-dir <dir>", "folder of the sweep (default: runs/NAME)")
    .option("--runs <count>", "most runs at once, instead of limits.runs", wholeNumber(1))
    .option("--retry-failed", "try runs again that failed")
    .option("--dry-run", "list the runs and how they stand, and start nothing")
    .option("--json", "print the result as JSON on standard output")
    .addHelpText(
      "after",
      `
Examples:
  $ drpo sweep recipes/sweeps/tldr-pythia-2.8b-ablation.json --dry-run
  $ drpo sweep recipes/sweeps/tldr-pythia-2.8b-ablation.json --runs 2
`,
    )
    .action(async (path: string, options: SweepCommandOptions) => {
      const sweep = await loadSweep(resolve(context.cwd, path));
      const directory = resolve(context.cwd, options.runDir ?? join("runs", sweep.name));
      const runs = await planSweep({ path, sweep, directory }, context);
      const planned = { sweep, path, directory, runs };
      if (options.dryRun) return dryRun(context, planned, options);
      const reading = await runSweep(context, planned, options);
      printResult(context, reading, options);
      refuseUnfinished(reading, again(path, options));
    });

async function dryRun(context: CommandContext, planned: PlannedSweep, options: SweepCommandOptions): Promise<void> {
  const { directory, runs } = planned;
  const stored = await checkSweepFolder(directory, runs);
  const reading = stored ? await readSweep(directory) : null;
  const result = dryRunOf(planned, reading, { retryFailed: options.retryFailed ?? false });
  if (options.json) printJson(context, result);
  else context.stdout.write(`${formatDryRun(result, context)}\n`);
}

/** @returns how all runs stand at the end. @throws InterruptedError after Ctrl-C */
async function runSweep(
  context: CommandContext,
  planned: PlannedSweep,
  options: SweepCommandOptions,
): Promise<SweepReading> {
  const { directory, runs, sweep, path } = planned;
  const { signal, release } = catchInterrupts(context);
  try {
    const folder = await openSweepFolder({ directory, name: sweep.name, runs });
    try {
      const reading = await runInFolder(context, planned, { folder, signal, options });
      if (signal.aborted) throw interrupted(reading, again(path, options));
      return reading;
    } finally {
      await folder.close();
    }
  } finally {
    release();
  }
}

interface SweepSession extends Pick<LaunchContext, "folder" | "signal"> {
  readonly options: SweepCommandOptions;
}

async function runInFolder(
  context: CommandContext,
  { directory, runs, sweep }: PlannedSweep,
  { folder, signal, options }: SweepSession,
): Promise<SweepReading> {
  const readRunAt = rememberRuns();
  const read = () => readSweep(directory, readRunAt);
  const view = showSweep(context);
  const stopWatching = watch(read, view.show);
  try {
    const before = await read();
    const stateOf = (run: PlannedRun) => readingOf(before, run).state;
    const retryFailed = options.retryFailed ?? false;
    const open = runs.filter((run) => isOpen(stateOf(run), { retryFailed }));
    const limits = limitsOf(sweep, options);
    await launch(startOrder(open, stateOf), { folder, read, limits, signal, pollMs: POLL_MS }, { context, sweep });
  } finally {
    await stopWatching();
  }
  const reading = await read();
  view.show(reading);
  view.close();
  return reading;
}

/** Where runs go, as the sweep's launcher says. */
async function launch(
  runs: readonly PlannedRun[],
  launching: LaunchContext,
  { context, sweep }: { readonly context: CommandContext; readonly sweep: SweepOptions },
): Promise<void> {
  const { cwd, environment, stderr } = context;
  const program = [process.execPath, CLI];
  const place: RunPlace = { directory: launching.folder.directory, cwd, environment, program };
  const options = sweep.launcher;
  switch (options.kind) {
    case "local": {
      const processOf = (run: PlannedRun, address: string | null) => ({
        ...{ program: process.execPath, args: [CLI, ...run.args(address)], cwd, environment },
      });
      return launchInTurn(runs, startProcess(processOf, launching), launching);
    }
    case "command":
      return launchInTurn(runs, startByCommand(options, place, launching), launching);
    case "slurm":
      return launchOnSlurm(runs, {
        ...{ ...launching, options, place, queue: slurmQueue(environment) },
        onSubmit: (id, count) => void stderr.write(`submitted ${count} runs to Slurm as job ${id}\n`),
      });
  }
}

function limitsOf({ limits, servers = [] }: SweepOptions, options: SweepCommandOptions): LaunchContext["limits"] {
  const { runs, localServers = Infinity, runsPerServer } = limits;
  return { runs: options.runs ?? runs, localServers, runsPerServer, servers };
}

/** Reads the sweep every second, until the function returned is called: to be looked at, so a reading that fails is left out. */
function watch(read: () => Promise<SweepReading>, onReading: (reading: SweepReading) => void): () => Promise<void> {
  const stop = new AbortController();
  const ended = (async () => {
    while (!stop.signal.aborted) {
      await read().then(onReading, () => undefined);
      await delay(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return () => {
    stop.abort();
    return ended;
  };
}

function printResult(context: CommandContext, reading: SweepReading, { json }: SweepCommandOptions): void {
  const { directory, name, runs, problems } = reading;
  const configurations = summariseSweep(reading);
  if (json) {
    const results = runs.map(({ name: run, configuration, seed, directory: path, settings, state, run: inside }) => ({
      ...{ name: run, configuration, seed, directory: path, settings, state },
      evaluation: inside?.evaluation ?? null,
    }));
    printJson(context, { name, directory, runs: results, configurations, problems });
    return;
  }
  const colors = colorsOf(context.stdout, context);
  const logOf = (run: { readonly name: string }) => shownPath(sweepPaths(directory).log(run.name), context.cwd);
  const parts = [
    summaryTable(configurations, colors),
    ...failureLines(runs, logOf),
    ...problems,
    `Sweep: ${shownPath(directory, context.cwd)} (${countsOf(runs)})`,
  ];
  context.stdout.write(`\n${parts.join("\n\n")}\n`);
}

/** The command that goes on with the sweep. */
const again = (path: string, { runDir, runs }: SweepCommandOptions): string =>
  ["drpo sweep", path, ...(runDir ? ["--run-dir", runDir] : []), ...(runs ? ["--runs", String(runs)] : [])].join(" ");

function interrupted({ runs }: SweepReading, command: string): InterruptedError {
  const jobs = runs.filter(({ state, job }) => job !== null && state.status !== "done");
  const ids = [...new Set(jobs.flatMap(({ job }) => job?.id?.split("_")[0] ?? []))];
  const scheduled =
    jobs.length > 0 ? ` ${jobs.length} runs are jobs of a scheduler and go on (${ids.join(", ")}).` : "";
  return new InterruptedError(`Interrupted: ${countsOf(runs)}.${scheduled} Go on with: ${command}`);
}

/** @throws RunsFailedError if runs failed; InterruptedError if somebody else stopped some */
function refuseUnfinished(reading: SweepReading, command: string): void {
  const { runs } = reading;
  const failed = runs.filter(({ state }) => state.status === "failed");
  if (failed.length > 0) {
    throw new RunsFailedError(
      `${failed.length} of ${runs.length} runs failed: ${failed.map(({ name }) => name).join(", ")}. ` +
        `When the cause is mended: ${command} --retry-failed`,
    );
  }
  if (runs.some(({ state }) => state.status !== "done")) throw interrupted(reading, command);
}
