/** Timers, injected so that a test decides when time passes. */
export interface Clock {
  /** Runs `callback` once after `delayMs`; the function returned takes it back. */
  schedule(delayMs: number, callback: () => void): () => void;
}
