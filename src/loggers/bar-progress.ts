import type { ClosableProgress } from "./closable-progress.js";
import type { ProgressClock } from "./progress-clock.js";
import { TaskState } from "./task-state.js";

const BAR_CELLS = 24;
const REDRAW_MS = 100;
const TICK_MS = 1000;
const CLEAR_LINE = "\x1b[2K";
const lineUp = (lines: number): string => (lines > 0 ? `\x1b[${lines}A` : "");

export interface BarStream {
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Progress for a terminal: a bar with the time left for each task under way, at the bottom; what has ended and what is to
 * be kept scrolls up above them.
 * @param dim makes a text less prominent; the identity where colour is not wanted
 */
export function barProgress(stream: BarStream, clock: ProgressClock, dim: (text: string) => string): ClosableProgress {
  const tasks = new Set<TaskState>();
  let drawnLines = 0;
  let drawnAt = -Infinity;
  let stopTicking = (): void => undefined;

  const draw = (kept: readonly string[] = []): void => {
    const now = clock.now();
    const bars = [...tasks].map((task) => fit(barLine(task, now), stream.columns));
    const cleared = `${lineUp(drawnLines)}\r${`${CLEAR_LINE}\n`.repeat(drawnLines)}${lineUp(drawnLines)}`;
    stream.write(cleared + [...kept, ...bars].map((line) => `${line}\n`).join(""));
    drawnLines = bars.length;
    drawnAt = now;
  };
  const drawSoon = (): void => {
    if (clock.now() - drawnAt >= REDRAW_MS) draw();
  };

  return {
    start(label, total, unit) {
      const task = new TaskState(label, total, unit, clock.now());
      if (tasks.size === 0) stopTicking = clock.every(TICK_MS, drawSoon);
      tasks.add(task);
      draw();
      return {
        update(done, figures) {
          task.update(done, figures, clock.now());
          drawSoon();
        },
        end(note) {
          if (!tasks.delete(task)) return;
          if (tasks.size === 0) stopTicking();
          draw([`${label} ${dim(task.ended(note, clock.now()))}`]);
        },
      };
    },
    note: (line) => draw([line]),
    close() {
      stopTicking();
      tasks.clear();
      drawnLines = 0;
    },
  };
}

function barLine(task: TaskState, now: number): string {
  const filled = Math.round(task.share * BAR_CELLS);
  const bar = `${"█".repeat(filled)}${"░".repeat(BAR_CELLS - filled)}`;
  return [`${task.label} ${bar} ${task.counted}`, task.timeLeft(now), task.figuresText].filter(Boolean).join("  ");
}

/** A bar must be one line of the terminal: a longer one would wrap, and could not be drawn over. */
const fit = (line: string, columns = 80): string => (line.length < columns ? line : `${line.slice(0, columns - 2)}…`);
