import { join } from "node:path";
import type { LauncherOptions } from "../config/sweep.js";
import { runPaths } from "../run/run-files.js";
import { sweepPaths } from "../run/sweep-files.js";
import type { PlannedRun } from "./planned-run.js";
import type { RunPlace } from "./run-command.js";
import { shellCommand, shellPreamble, shellWord } from "./shell-words.js";

export type SlurmOptions = Extract<LauncherOptions, { readonly kind: "slurm" }>;

/** A job array: its tasks are runs, by their place. */
export interface SlurmArray {
  /** Unique, so that the array is found again whatever its id is. */
  readonly jobName: string;
  readonly runs: readonly PlannedRun[];
  /** Tasks at once. */
  readonly atOnce: number;
  /** Of the model server that its runs use, where the sweep has some. */
  readonly address: string | null;
}

/** A run that is stopped before its time limit commits what it has. */
const WARNING_SECONDS = 120;

/** What sbatch is given. A task that Slurm starts again goes on with its run. */
export function slurmScript(array: SlurmArray, options: SlurmOptions, place: RunPlace): string {
  const { jobName, runs, atOnce, address } = array;
  const { directory, program } = place;
  const tasks = runs.flatMap((run, i) => [
    `${i})`,
    `  log=${shellWord(sweepPaths(directory).log(run.name))}`,
    `  lock=${shellWord(runPaths(run.path).lock)}`,
    `  set -- ${shellCommand([...program, ...run.args(address)])}`,
    "  ;;",
  ]);
  return [
    "#!/bin/sh",
    `#SBATCH --job-name=${jobName}`,
    `#SBATCH --array=0-${runs.length - 1}%${atOnce}`,
    "#SBATCH --open-mode=append",
    ...optionLines(options).map((option) => `#SBATCH ${option}`),
    "",
    'case "$SLURM_ARRAY_TASK_ID" in',
    ...tasks,
    "esac",
    'exec >>"$log" 2>&1',
    'echo "Slurm job ${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID} on $(uname -n)"',
    "# The process that had the run has ended, on a node that this one cannot look into.",
    '[ "${SLURM_RESTART_COUNT:-0}" = 0 ] || rm -rf "$lock"',
    ...shellPreamble(place),
    ...options.before,
    'exec "$@"',
    "",
  ].join("\n");
}

/** Where Slurm itself writes, as about a task that it ends. */
export const slurmOutput = (directory: string, jobName: string, task: string): string =>
  join(sweepPaths(directory).jobs, `${jobName}-${task}.out`);

function optionLines({ partition, time, cpus, memory, gres, options }: SlurmOptions): readonly string[] {
  const given = { partition, time, "cpus-per-task": cpus, mem: memory, gres };
  return [
    ...Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    ...(time === undefined ? [] : [`--signal=B:INT@${WARNING_SECONDS}`]),
    ...options,
  ];
}
