import type { MetricLogger } from "../ports/metric-logger.js";
import type { RunDirectory } from "../ports/run-directory.js";

/** All loggers of a run. None of them can end it. */
export type UnfailingLoggers = Omit<MetricLogger, "kind">;

/**
 * A logger that fails is heard of once and not used again: the run goes on, and its metrics.jsonl has everything.
 * @param warn gets one sentence or two for a person
 */
export function unfailingLoggers(
  loggers: readonly MetricLogger[],
  { sendAgain, warn }: { readonly sendAgain: string; readonly warn: (line: string) => void },
): UnfailingLoggers {
  const working = new Set(loggers);
  const give = async (logger: MetricLogger, use: (logger: MetricLogger) => Promise<void>): Promise<void> => {
    try {
      await use(logger);
    } catch (error) {
      if (!working.delete(logger)) return;
      const why = error instanceof Error ? error.message : String(error);
      warn(
        `${logger.kind} gets no more metrics of this run; metrics.jsonl has them all. ${why} Send them: ${sendAgain}`,
      );
      await logger.close({ isDone: false }).catch(() => undefined);
    }
  };
  const all = async (use: (logger: MetricLogger) => Promise<void>): Promise<void> => {
    await Promise.all([...working].map((logger) => give(logger, use)));
  };
  return {
    start: (run) => all((logger) => logger.start(run)),
    log: (line) => all((logger) => logger.log(line)),
    logEvaluation: (evaluation) => all((logger) => logger.logEvaluation(evaluation)),
    close: (end) => all((logger) => logger.close(end)),
  };
}

/** The same run directory, whose metrics also go to loggers, after they are written. */
export const withLoggers = <Run extends RunDirectory>(run: Run, loggers: UnfailingLoggers): Run =>
  Object.assign(Object.create(run) as Run, {
    async appendMetrics(line: Parameters<RunDirectory["appendMetrics"]>[0]) {
      await run.appendMetrics(line);
      await loggers.log({ ...line, at: new Date() });
    },
  });
