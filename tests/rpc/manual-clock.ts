import type { Clock } from "../../src/ports/clock.js";

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Lets time pass, ms; timers that are due run in their order. */
  advance(ms: number): void;
  /** Delays of the timers that wait. */
  readonly waiting: readonly number[];
}

export const createManualClock = (): ManualClock => {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    schedule(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)) {
        timers.delete(timer);
        timer.callback();
      }
    },
    get waiting() {
      return [...timers].map(({ at }) => at - now);
    },
  };
};

/** A clock on which a wait is over at once: for retries in tests that count attempts, not time. Long timers never run. */
export const impatientClock: Clock = {
  schedule(delayMs, callback) {
    if (delayMs > 10_000) return () => undefined;
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  },
};
