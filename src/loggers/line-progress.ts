import type { ClosableProgress } from "./closable-progress.js";
import type { ProgressClock } from "./progress-clock.js";
import { TaskState } from "./task-state.js";

const BETWEEN_LINES_MS = 10_000;

/** Progress for files and pipes: plain lines with the time of day, at most one in ten seconds for each task. */
export function lineProgress(stream: { write(text: string): unknown }, clock: ProgressClock): ClosableProgress {
  const say = (line: string) => void stream.write(`${clock.timeOfDay()} ${line}\n`);
  return {
    start(label, total, unit) {
      const state = new TaskState(label, total, unit, clock.now());
      let saidAt = clock.now();
      return {
        update(done, figures) {
          const now = clock.now();
          state.update(done, figures, now);
          // The end is said by end().
          if (done >= total || now - saidAt < BETWEEN_LINES_MS) return;
          saidAt = now;
          say([`${label}: ${state.counted}`, state.figuresText, state.timeLeft(now)].filter(Boolean).join(", "));
        },
        end(note) {
          say(`${label}: ${state.ended(note, clock.now())}`);
        },
      };
    },
    note: say,
    close: () => undefined,
  };
}
