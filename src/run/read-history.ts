import type { TimedMetrics } from "../ports/metric-logger.js";
import { COMMITTED_STAGES } from "./drop-uncommitted.js";
import { readJournal } from "./journal.js";
import { readMetricsLines } from "./read-run.js";
import { type JournalEntry, runPaths } from "./run-files.js";

/**
 * What metrics.jsonl holds, one line for each stage and iteration (the latest, at the place of the first), in the order of
 * the file. The file has no times: a line's is that of the commit that it came before, or of the run's beginning where a
 * stage has no commits.
 * @throws CorruptStateError if the journal is damaged
 */
export async function readHistory(directory: string): Promise<readonly TimedMetrics[]> {
  const paths = runPaths(directory);
  const { entries } = await readJournal(paths.journal);
  const { lines } = await readMetricsLines(paths.metrics);
  const begin = new Date(entries[0]?.at ?? 0);
  const timeOf = commitTimes(entries);
  return lines.map((line) => ({
    ...line,
    at: (COMMITTED_STAGES.has(line.stage) ? timeOf(line.iteration) : null) ?? begin,
  }));
}

/** When an iteration was committed: with itself, or with the next that was. */
function commitTimes(entries: readonly JournalEntry[]): (iteration: number) => Date | null {
  const commits = entries.flatMap((entry) =>
    entry.event === "commit" ? [{ iteration: entry.commit.iteration, at: new Date(entry.at) }] : [],
  );
  return (iteration) => commits.find((commit) => commit.iteration >= iteration)?.at ?? commits.at(-1)?.at ?? null;
}
