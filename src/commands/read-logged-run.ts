import { basename } from "node:path";
import type { LoggedRun } from "../ports/metric-logger.js";
import { readHistory } from "../run/read-history.js";
import { readRunRecord } from "../run/read-run.js";

/** What loggers are told of a run, as its files have it. @param directory absolute */
export async function readLoggedRun(directory: string, note: (line: string) => void): Promise<LoggedRun> {
  const { runId, createdAt, recipe } = await readRunRecord(directory);
  const history = await readHistory(directory);
  return { runId, name: basename(directory), directory, startedAt: new Date(createdAt), recipe, history, note };
}
