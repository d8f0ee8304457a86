/** What the schedule needs to know; see config/optimizer.ts for the meaning of each field. */
export interface LearningRateSchedule {
  readonly learningRate: number;
  readonly warmupShare: number;
  readonly decay: "constant" | "linear" | "cosine";
  readonly finalShare: number;
}

/**
 * The rate of one optimiser step: a rise from 0 over the warm-up, then the decay to finalShare of the peak.
 * @param index 0-based
 * @param total optimiser steps of the whole stage
 */
export function learningRateAt(schedule: LearningRateSchedule, index: number, total: number): number {
  const warmup = schedule.warmupShare * total;
  if (index + 1 <= warmup) return (schedule.learningRate * (index + 1)) / warmup;
  const progress = total > warmup ? (index - Math.floor(warmup)) / (total - Math.floor(warmup)) : 0;
  const shape = { constant: 1, linear: 1 - progress, cosine: (1 + Math.cos(Math.PI * progress)) / 2 }[schedule.decay];
  return (
    schedule.learningRate *
    (schedule.decay === "constant" ? 1 : schedule.finalShare + (1 - schedule.finalShare) * shape)
  );
}
