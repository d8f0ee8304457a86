import type { SweepRunReading } from "../run/read-sweep.js";
import type { RunReading } from "../run/read-run.js";

/** What a table says of a run. Figures are of responses from the prompt: the evaluation's, before it the last validation's. */
export interface RunFigures {
  /** "12/50", the stage under way ("sft"), or empty before the run has begun. */
  readonly progress: string;
  readonly score: number | null;
  /** Nats a response. */
  readonly kl: number | null;
  /** Of its sessions together, milliseconds. */
  readonly workedMs: number;
}

/** @param now milliseconds since 1970 */
export function runFigures({ run, state }: SweepRunReading, now: number): RunFigures {
  if (!run) return { progress: "", score: null, kl: null, workedMs: 0 };
  const validation = run.metrics.findLast(({ stage }) => stage === "validation")?.metrics;
  const evaluated = run.evaluation?.policy;
  return {
    progress: progressOf(run, state.iteration),
    score: evaluated?.score.mean ?? validation?.["score"] ?? null,
    kl: evaluated?.klK1.mean ?? validation?.["kl"] ?? null,
    workedMs: workedMs(run, state.status === "running" ? now : 0),
  };
}

/** A run that has not committed yet is in one of the stages before. */
function progressOf({ metrics, record }: RunReading, iteration: number): string {
  const { iterations } = (record.recipe["policy"] ?? {}) as { readonly iterations?: unknown };
  if (iteration === 0) {
    const stage = metrics.at(-1)?.stage ?? "starting";
    if (stage !== "policy") return stage;
  }
  return typeof iterations === "number" ? `${iteration}/${iterations}` : String(iteration);
}

/** A session lasts from its opening to the last that its journal says of it, or until now. */
function workedMs({ journal }: RunReading, now: number): number {
  const sessions: { from: number; to: number }[] = [];
  for (const { event, at } of journal) {
    const time = Date.parse(at);
    if (event === "opened") sessions.push({ from: time, to: time });
    else if (sessions.length > 0) sessions.at(-1)!.to = time;
  }
  const last = sessions.at(-1);
  if (last) last.to = Math.max(last.to, now);
  return sessions.reduce((sum, { from, to }) => sum + to - from, 0);
}
