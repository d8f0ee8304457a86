import { openAppendLog, type AppendLog } from "../durable-files/append-log.js";
import { readJsonLines } from "../durable-files/read-json-lines.js";
import { CorruptStateError } from "../errors.js";
import type { Commit } from "../ports/run-directory.js";
import { journalEntrySchema, type JournalEntry } from "./run-files.js";

/** journal.jsonl: the truth about how far a run is. */
export interface Journal {
  lastCommit(): Commit | null;
  append(entry: JournalEntry): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the journal, made if it is not there. A last line that was cut off by a crash never happened: it is dropped.
 * @throws CorruptStateError if a complete line is damaged
 */
export async function openJournal(path: string): Promise<Journal> {
  const { entries, completeBytes } = await readJournal(path);
  let last = lastCommitOf(entries);
  const log: AppendLog = await openAppendLog(path, { durable: true, keepBytes: completeBytes });
  return {
    lastCommit: () => last,
    async append(entry) {
      if (entry.event === "commit" && last && entry.commit.iteration <= last.iteration) {
        throw new Error(
          `Iteration ${entry.commit.iteration} comes after ${last.iteration}, which is committed: ${path}`,
        );
      }
      await log.append(entry);
      if (entry.event === "commit") last = entry.commit;
    },
    close: () => log.close(),
  };
}

/** @throws CorruptStateError if a complete line is damaged */
export async function readJournal(
  path: string,
): Promise<{ readonly entries: readonly JournalEntry[]; readonly completeBytes: number }> {
  const { rows, damagedLines, completeBytes } = await readJsonLines(path);
  const damaged = (line: number, why: string): CorruptStateError =>
    new CorruptStateError(
      `${path}:${line}: ${why}. The journal says which checkpoint is the last; restore the file from a copy, ` +
        "or start again in another run directory.",
    );
  if (damagedLines[0] !== undefined) throw damaged(damagedLines[0], "the line is not JSON");
  let iteration = -1;
  const entries = rows.map(({ line, value }) => {
    const parsed = journalEntrySchema.safeParse(value);
    if (!parsed.success) throw damaged(line, "the line is no journal entry");
    if (parsed.data.event === "commit") {
      if (parsed.data.commit.iteration <= iteration) throw damaged(line, "the commits are out of order");
      iteration = parsed.data.commit.iteration;
    }
    return parsed.data;
  });
  return { entries, completeBytes };
}

export function lastCommitOf(entries: readonly JournalEntry[]): Commit | null {
  return entries.findLast((entry) => entry.event === "commit")?.commit ?? null;
}
