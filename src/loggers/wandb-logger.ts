import { join } from "node:path";
import type { LoggedRun, MetricLogger, TimedMetrics } from "../ports/metric-logger.js";
import { evaluationMetrics, namedMetrics } from "./metric-names.js";
import type { WandbLoggerOptions } from "./wandb-options.js";
import { startWandb, type WandbProcess, type WandbPython } from "./wandb-process.js";

/** Sending what is left may take so long when a run ends. */
const FINISH_MS = 60_000;

/**
 * Logs to Weights & Biases, by their Python SDK in a process beside this one: nothing waits for it but the end.
 * A line has the same step (row) in every session: its place among all lines. W&B keeps the rows that it has, and takes
 * those that are missing.
 */
export class WandbLogger implements MetricLogger {
  readonly kind = "wandb";
  private child: WandbProcess | null = null;
  private steps = new Map<string, number>();

  constructor(
    private readonly options: WandbLoggerOptions,
    private readonly python: WandbPython,
  ) {}

  start({ runId, name, directory, recipe, history, note }: LoggedRun): Promise<void> {
    const { kind: _, ...options } = this.options;
    this.steps = new Map();
    this.child = startWandb(this.python, {
      logFile: join(directory, "wandb.log"),
      onReady: (where) => note(`wandb: ${where}`),
    });
    this.child.send({ directory, ...options, id: runId, name, config: recipe });
    for (const line of history) this.sendLine(line);
    return Promise.resolve();
  }

  log(line: TimedMetrics): Promise<void> {
    this.sendLine(line);
    return Promise.resolve();
  }

  logEvaluation(evaluation: Parameters<MetricLogger["logEvaluation"]>[0]): Promise<void> {
    this.child?.send({ summary: evaluationMetrics(evaluation) });
    return Promise.resolve();
  }

  async close({ isDone }: { readonly isDone: boolean }): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null) return;
    child.send({ done: isDone });
    await child.finish(FINISH_MS);
  }

  private sendLine(line: TimedMetrics): void {
    const { stage, iteration, at } = line;
    this.child?.send({
      stage,
      iteration,
      step: this.stepOf(line),
      at: at.getTime() / 1000,
      metrics: namedMetrics(line),
    });
  }

  /** A stage that repeats its iterations after a crash repeats their steps. */
  private stepOf({ stage, iteration }: TimedMetrics): number {
    const key = JSON.stringify([stage, iteration]);
    const step = this.steps.get(key) ?? this.steps.size;
    this.steps.set(key, step);
    return step;
  }
}
