import type { ProgressClock } from "../../src/loggers/progress-clock.js";

/** Time that passes when the test says so. */
export function manualProgressClock(): ProgressClock & { advance(ms: number): void; readonly tickers: number } {
  let now = 0;
  const tickers = new Map<() => void, { readonly interval: number; next: number }>();
  return {
    now: () => now,
    timeOfDay: () => new Date(now).toISOString().slice(11, 19),
    every(interval, callback) {
      tickers.set(callback, { interval, next: now + interval });
      return () => void tickers.delete(callback);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const [due] = [...tickers].filter(([, { next }]) => next <= until).sort((a, b) => a[1].next - b[1].next);
        if (!due) break;
        now = due[1].next;
        due[1].next += due[1].interval;
        due[0]();
      }
      now = until;
    },
    get tickers() {
      return tickers.size;
    },
  };
}
