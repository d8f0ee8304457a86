import type { Clock } from "../ports/clock.js";

/** Real time. */
export const systemClock: Clock = {
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
