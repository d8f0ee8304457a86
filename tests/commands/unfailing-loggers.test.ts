import { describe, expect, test } from "@jest/globals";
import { unfailingLoggers, withLoggers } from "../../src/commands/unfailing-loggers.js";
import type { MetricLogger } from "../../src/ports/metric-logger.js";
import type { MetricsLine, RunDirectory } from "../../src/ports/run-directory.js";

class RecordingLogger implements MetricLogger {
  readonly calls: string[] = [];
  constructor(
    readonly kind: string,
    private readonly failsAt: string | null = null,
  ) {}
  start = () => this.did("start");
  log = ({ stage, iteration }: MetricsLine) => this.did(`${stage} ${iteration}`);
  logEvaluation = () => this.did("evaluation");
  close = () => this.did("close");

  private did(what: string): Promise<void> {
    this.calls.push(what);
    return what === this.failsAt ? Promise.reject(new Error("out of paper.")) : Promise.resolve();
  }
}

describe("unfailingLoggers", () => {
  const line = (iteration: number): MetricsLine => ({ stage: "policy", iteration, metrics: { score: 1 } });

  test("one that fails is closed and heard of once; the others and the run go on", async () => {
    const [good, bad] = [new RecordingLogger("good"), new RecordingLogger("bad", "policy 2")];
    const warnings: string[] = [];
    const loggers = unfailingLoggers([bad, good], {
      sendAgain: "drpo log-metrics runs/x",
      warn: (text) => warnings.push(text),
    });
    const written: number[] = [];
    const appendMetrics = ({ iteration }: MetricsLine) => Promise.resolve(void written.push(iteration));
    const run = withLoggers({ runId: "r1", appendMetrics } as unknown as RunDirectory, loggers);
    for (const iteration of [1, 2, 3]) await run.appendMetrics(line(iteration));
    await loggers.close({ isDone: true });
    expect(run.runId).toBe("r1");
    expect(written).toEqual([1, 2, 3]);
    expect(good.calls).toEqual(["policy 1", "policy 2", "policy 3", "close"]);
    expect(bad.calls).toEqual(["policy 1", "policy 2", "close"]);
    expect(warnings).toEqual([expect.stringMatching(/^bad gets no more.*out of paper\. .*drpo log-metrics runs\/x$/)]);
  });

  test("a line that could not be written is not logged", async () => {
    const logger = new RecordingLogger("good");
    const loggers = unfailingLoggers([logger], { sendAgain: "", warn: () => undefined });
    const appendMetrics = () => Promise.reject(new Error("disk full"));
    const run = withLoggers({ appendMetrics } as unknown as RunDirectory, loggers);
    await expect(run.appendMetrics(line(1))).rejects.toThrow("disk full");
    expect(logger.calls).toEqual([]);
  });
});
