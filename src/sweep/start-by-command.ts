import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import type { LauncherOptions } from "../config/sweep.js";
import type { SweepRunReading } from "../run/read-sweep.js";
import { sweepPaths } from "../run/sweep-files.js";
import { explainEnd, lastWords } from "./explain-end.js";
import { jobIsOver, type LaunchContext, readingOf, writerOf } from "./launch-context.js";
import type { Starter } from "./launch-in-turn.js";
import type { PlannedRun } from "./planned-run.js";
import { fillCommand, type RunPlace, writeRunScript } from "./run-command.js";
import { startProcess } from "./start-process.js";

/** The scheduler is asked once in so many looks at the run's folder, and so often in a row must it know nothing. */
const LOOKS_PER_QUESTION = 10;
const MISSING = 2;

export type CommandOptions = Extract<LauncherOptions, { readonly kind: "command" }>;
type Job = NonNullable<SweepRunReading["job"]>;

/** Starts runs by a user's command: one that runs them, or one that hands them to a scheduler. */
export function startByCommand(options: CommandOptions, place: RunPlace, context: LaunchContext): Starter {
  const { cwd, environment } = place;
  const shell = (command: string) => ({ program: "/bin/sh", args: ["-c", command], cwd, environment });
  if (options.until === "submitted") return submitByCommand(options, place, context);
  return startProcess(async (run, address) => {
    const placeholders = await writeRunScript(run, address, { place, intoLog: false });
    return shell(fillCommand(options.command, placeholders));
  }, context);
}

function submitByCommand(options: CommandOptions, place: RunPlace, context: LaunchContext): Starter {
  const { folder, read, signal, pollMs } = context;
  const { cwd, environment } = place;
  const inShell = (command: string) =>
    execa("/bin/sh", ["-c", command], {
      ...{ cwd, extendEnv: false, env: { ...environment }, stdin: "ignore", reject: false, detached: true },
    });

  const isAlive = async ({ id }: Job): Promise<boolean> => {
    if (options.alive === undefined) return true;
    return !(await inShell(fillCommand(options.alive, { job: id ?? "" }))).failed;
  };

  const follow = async (run: PlannedRun, job: Job): Promise<string | null> => {
    let missed = 0;
    for (let look = 1; !signal.aborted; look++) {
      const reading = readingOf(await read(), run);
      if (jobIsOver(reading)) return null;
      if (reading.state.status === "interrupted" && hasBegunSince(reading))
        return explainGone(run, folder.directory, "its process ended without a word");
      if (look % LOOKS_PER_QUESTION === 0 && (await writerOf(run)) === null) {
        missed = (await isAlive(job)) ? 0 : missed + 1;
        if (missed >= MISSING) return explainGone(run, folder.directory, "the scheduler does not have it any more");
      }
      await delay(pollMs, undefined, { signal }).catch(() => undefined);
    }
    return null;
  };

  return {
    follow,
    async start(run, address) {
      const placeholders = await writeRunScript(run, address, { place, intoLog: true });
      await folder.launched(run.name, { name: run.name, id: null });
      const { exitCode, signal: endedBy, stdout, stderr } = await inShell(fillCommand(options.command, placeholders));
      const failure = explainEnd({ exitCode, signal: endedBy }, (stderr || stdout).trimEnd().split("\n").at(-1)!);
      if (failure !== null) return `It could not be submitted: ${failure}`;
      const job = { name: run.name, id: stdout.trimEnd().split("\n").at(-1)! };
      await folder.launched(run.name, job);
      return follow(run, job);
    },
  };
}

/** Whether a session of the run was opened after it was handed over. */
const hasBegunSince = ({ run, launchedAt }: SweepRunReading): boolean =>
  run !== null && launchedAt !== null && run.journal.some(({ event, at }) => event === "opened" && at > launchedAt);

async function explainGone({ name }: PlannedRun, sweep: string, how: string): Promise<string> {
  const said = await lastWords(sweepPaths(sweep).log(name), 0);
  return `It was handed over, and ${how}.${said === "" ? "" : ` It last said: ${said}`}`;
}
