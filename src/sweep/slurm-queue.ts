import { execa } from "execa";
import { EnvironmentError } from "../errors.js";

/** States of tasks that Slurm will do nothing more about. */
const ENDED: ReadonlySet<string> = new Set(
  "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT".split(" "),
);

type Environment = Readonly<Record<string, string | undefined>>;

/** Slurm's own programs. */
export interface SlurmQueue {
  /**
   * @param output where Slurm writes what no log takes, as sbatch takes it
   * @returns the job's id
   * @throws EnvironmentError with what sbatch said
   */
  submit(script: string, output: string): Promise<string>;
  /**
   * State of each task of the arrays with these names, by "NAME_INDEX": "RUNNING". Those that ended a while ago may not be
   * there.
   * @returns null while Slurm does not answer
   */
  tasks(jobNames: readonly string[]): Promise<ReadonlyMap<string, string> | null>;
}

export const hasEnded = (state: string): boolean => ENDED.has(state);

export const slurmQueue = (environment: Environment): SlurmQueue => {
  const slurm = (program: string, args: readonly string[]) =>
    execa(program, [...args], { extendEnv: false, env: { ...environment }, stdin: "ignore", reject: false });
  return {
    async submit(script, output) {
      const { failed, stdout, stderr, code } = await slurm("sbatch", ["--parsable", `--output=${output}`, script]);
      if (code === "ENOENT")
        throw new EnvironmentError("There is no sbatch on PATH: this machine cannot submit to Slurm.");
      // "ID" or "ID;CLUSTER"
      const [id] = stdout.trim().split(";");
      if (failed || !id)
        throw new EnvironmentError(`sbatch ${script} failed: ${stderr || stdout || "it said nothing"}`);
      return id;
    },
    async tasks(jobNames) {
      const names = jobNames.join(",");
      const queue = await slurm("squeue", [
        ...["--noheader", "--array", "--states=all", `--name=${names}`, "--format=%j|%K|%T"],
      ]);
      if (queue.failed) return null;
      // Accounting knows those that squeue has forgotten; many a Slurm has none.
      const accounting = await slurm("sacct", [
        ...["--noheader", "--parsable2", "--allocations", "--array", `--name=${names}`, "--format=JobName,JobID,State"],
      ]);
      const forgotten = accounting.failed ? [] : accounting.stdout.split("\n").map(accountedTask);
      const present = queue.stdout.split("\n").map(queuedTask);
      return new Map([...forgotten, ...present].filter((task) => task !== null));
    },
  };
};

function queuedTask(line: string): [string, string] | null {
  const [name, index, state] = line.split("|");
  return state === undefined ? null : [`${name}_${index}`, state];
}

/** "drpo-ab|17_3|CANCELLED by 0" */
function accountedTask(line: string): [string, string] | null {
  const [name, id, state] = line.split("|");
  const index = id?.split("_")[1];
  return index === undefined || state === undefined ? null : [`${name}_${index}`, state.split(" ")[0]!];
}
