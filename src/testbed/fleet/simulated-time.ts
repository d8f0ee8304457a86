/** The time of a simulation, which passes so many times faster than that on the wall. */
export interface SimulatedTime {
  /** ms since the simulation began. */
  now(): number;
  /** Runs `callback` once, at this time or as soon after it as timers allow. @returns what takes it back */
  at(timeMs: number, callback: () => void): () => void;
}

/** @param speed simulated seconds that pass in one second */
export const simulatedTime = (speed: number): SimulatedTime => {
  const began = performance.now();
  const now = () => (performance.now() - began) * speed;
  return {
    now,
    at(timeMs, callback) {
      const timer = setTimeout(callback, Math.max(0, timeMs - now()) / speed);
      return () => clearTimeout(timer);
    },
  };
};
