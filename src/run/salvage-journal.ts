import { readJsonLines } from "../durable-files/read-json-lines.js";
import { CorruptStateError } from "../errors.js";
import { readJournal } from "./journal.js";
import { journalEntrySchema, type JournalEntry } from "./run-files.js";

export interface SalvagedJournal {
  /** Every line that can be read. */
  readonly entries: readonly JournalEntry[];
  /** What is wrong with the others; null if nothing is. */
  readonly problem: string | null;
  /** True if the last line is cut off: it is being written, or its process ended while it was. */
  readonly isTorn: boolean;
}

/** Reads what can be read of a journal, for those who only look: who goes on with the run must not guess. */
export async function salvageJournal(path: string): Promise<SalvagedJournal> {
  const { rows, isTorn } = await readJsonLines(path);
  try {
    return { entries: (await readJournal(path)).entries, problem: null, isTorn };
  } catch (error) {
    if (!(error instanceof CorruptStateError)) throw error;
    const parsed = rows.map(({ value }) => journalEntrySchema.safeParse(value));
    return { entries: parsed.flatMap(({ data }) => data ?? []), problem: error.message, isTorn };
  }
}
