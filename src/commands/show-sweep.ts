import { liveBlock } from "../loggers/live-block.js";
import type { SweepReading, SweepRunReading } from "../run/read-sweep.js";
import { colorsOf, type CommandContext } from "./command-context.js";
import { sweepLine, sweepTable } from "./format-sweep.js";

const BETWEEN_LINES_MS = 10_000;

/** Shows how a sweep goes on, each time it is read. */
export interface SweepView {
  readonly show: (reading: SweepReading) => void;
  readonly close: () => void;
}

/** On a terminal a table that is drawn over; elsewhere a line when a run's state changes, and now and then of its progress. */
export function showSweep(context: CommandContext): SweepView {
  const { stderr, environment } = context;
  return stderr.isTTY && environment["TERM"] !== "dumb" ? tableView(context) : lineView(context);
}

function tableView(context: CommandContext): SweepView {
  const { stderr } = context;
  const block = liveBlock(stderr);
  const colors = colorsOf(stderr, context);
  return {
    show: (reading) =>
      block.draw(sweepTable(reading, { colors, now: Date.now(), columns: stderr.columns, rows: stderr.rows })),
    close: () => block.close(),
  };
}

function lineView({ stderr }: CommandContext): SweepView {
  const said = new Map<string, { readonly status: string; readonly line: string; readonly at: number }>();
  const isNews = (run: SweepRunReading, line: string, now: number): boolean => {
    const before = said.get(run.name) ?? { status: "waiting", line: "", at: -Infinity };
    if (run.state.status !== before.status) return true;
    return run.state.status === "running" && line !== before.line && now - before.at >= BETWEEN_LINES_MS;
  };
  return {
    show({ runs }) {
      const now = Date.now();
      for (const run of runs) {
        const line = sweepLine(run, now);
        if (!isNews(run, line, now)) continue;
        said.set(run.name, { status: run.state.status, line, at: now });
        stderr.write(`${new Date(now).toTimeString().slice(0, 8)} ${line}\n`);
      }
    },
    close: () => undefined,
  };
}
