import { setTimeout } from "node:timers/promises";

/** A trainer that scores: one batch after the other, in a time that its tokens decide. */
export interface SimulatedScoring {
  /** Resolves when the batch is scored, those before it included. */
  score(tokens: number): Promise<void>;
}

/** Simulated ms that a batch takes. */
export const scoringMs = (tokens: number, tokensPerSecond: number): number => (tokens / tokensPerSecond) * 1000;

/** @param timeScale simulated seconds in one second */
export const createSimulatedScoring = (tokensPerSecond: number, timeScale: number): SimulatedScoring => {
  let freeAt = 0;
  return {
    async score(tokens) {
      const now = performance.now();
      freeAt = Math.max(now, freeAt) + scoringMs(tokens, tokensPerSecond) / timeScale;
      await setTimeout(freeAt - now);
    },
  };
};
