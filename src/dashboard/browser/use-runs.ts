import { useEffect, useState } from "preact/hooks";
import type { RunsEvent, RunSummary } from "../api.js";
import { readEvents, TokenNeeded } from "./api-client.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

export interface Runs {
  /** By id; null before the first event. */
  readonly runs: ReadonlyMap<string, RunSummary> | null;
  readonly connection: "connecting" | "open" | "lost" | "token needed";
}

/** The runs as they go on. A lost connection is opened again. @param attempt another one connects anew */
export function useRuns(attempt: number): Runs {
  const [state, setState] = useState<Runs>({ runs: null, connection: "connecting" });
  useEffect(() => {
    const closed = new AbortController();
    void follow(setState, closed.signal);
    return () => closed.abort();
  }, [attempt]);
  return state;
}

async function follow(setState: (change: (before: Runs) => Runs) => void, signal: AbortSignal): Promise<void> {
  let delay = FIRST_DELAY_MS;
  while (!signal.aborted) {
    try {
      await readEvents((event) => {
        delay = FIRST_DELAY_MS;
        setState(({ runs }) => ({ runs: withEvent(runs, event), connection: "open" }));
      }, signal);
    } catch (error) {
      if (error instanceof TokenNeeded) {
        setState((before) => ({ ...before, connection: "token needed" }));
        return;
      }
    }
    if (signal.aborted) return;
    setState((before) => ({ ...before, connection: "lost" }));
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(2 * delay, LONGEST_DELAY_MS);
  }
}

function withEvent(before: Runs["runs"], { isAll, runs, gone }: RunsEvent): ReadonlyMap<string, RunSummary> {
  const after = new Map(isAll ? [] : before);
  for (const id of gone) after.delete(id);
  for (const run of runs) after.set(run.id, run);
  return after;
}
