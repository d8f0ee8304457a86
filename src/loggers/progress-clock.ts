/** Time, injected so that a test decides when it passes. */
export interface ProgressClock {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Time of day, HH:MM:SS. */
  timeOfDay(): string;
  /** Calls back again and again; the function returned ends that. Does not keep the process alive. */
  every(intervalMs: number, callback: () => void): () => void;
}

/** Real time. */
export const systemProgressClock: ProgressClock = {
  now: () => performance.now(),
  timeOfDay: () => new Date().toTimeString().slice(0, 8),
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs).unref();
    return () => clearInterval(timer);
  },
};
