import { lockHolder } from "../durable-files/process-lock.js";
import { lastCommitOf } from "./journal.js";
import { type JournalEntry, type Outcome, runPaths } from "./run-files.js";

/** How a run stands. `interrupted`: nobody works on it, and --resume goes on with it. */
export interface RunState {
  readonly status: "running" | Outcome;
  /** Iterations of the policy stage that are committed. */
  readonly iteration: number;
  /** Why the last session ended, unless it is done. */
  readonly message: string | null;
}

/**
 * How a run stands, by its journal and its lock: a session that ends says so, and one that was killed lets go of the lock.
 * @param journal as `readJournal` gives it
 */
export async function runState(directory: string, journal: readonly JournalEntry[]): Promise<RunState> {
  const iteration = lastCommitOf(journal)?.iteration ?? 0;
  const last = journal.findLast(({ event }) => event !== "commit");
  if (last?.event === "ended") return { status: last.outcome, iteration, message: last.message };
  const holder = await lockHolder(runPaths(directory).lock);
  if (holder) return { status: "running", iteration, message: null };
  return { status: "interrupted", iteration, message: "The process that worked on it ended without a word." };
}
