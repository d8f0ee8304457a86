import type { SampleContext } from "../ports/sampler.js";
import { NO_FAULTS, seededFaults } from "../testbed/fleet/call-faults.js";
import { clairvoyantSchedules, leastPossibleMs } from "../testbed/fleet/clairvoyant-schedule.js";
import type { EndedCall, KnownCall } from "../testbed/fleet/list-schedule.js";
import type { BenchOptions } from "./bench-options.js";
import { cutIntoCalls, type ScoredCall } from "./known-calls.js";
import { scoringMs } from "./simulated-scoring.js";
import { least } from "../math/extremes.js";

/** Simulated seconds of one phase. */
export interface Reference {
  /** What no schedule can be faster than. */
  readonly boundS: number;
  /** Of a schedule that knows all lengths and meets no fault, ... */
  readonly faultlessS: number;
  /** ... and of one that meets those that the fleet has in store. */
  readonly clairvoyantS: number;
}

/** Of sampling alone, and of sampling and scoring. */
export interface ReferenceTimes {
  readonly sampled: Reference;
  readonly scored: Reference;
}

/** What schedulers that know all lengths could have made of an iteration. */
export const createReference = (options: BenchOptions, seed: number) => {
  const { samplerRows, silenceMs, scoringTokensPerSecond, fleet } = options;
  const faultOf = seededFaults({ ...fleet.faults, seed });
  const conditions = { endpoints: fleet.endpoints, speed: fleet.engine, silenceMs, downMs: fleet.downMs };
  const scoreMs = (tokens: number) => scoringMs(tokens, scoringTokensPerSecond);

  return (contexts: readonly SampleContext[], lengths: Uint32Array, overlap: boolean): ReferenceTimes => {
    const { bySubBatch, byContext, byRow } = cutIntoCalls(contexts, lengths, samplerRows);
    const total = scoreMs(byContext.reduce((sum, { scoredTokens }) => sum + scoredTokens, 0));
    const lastScored = (schedule: readonly EndedCall<ScoredCall>[]) =>
      overlap
        ? schedule.reduce((at, { call, endMs }) => Math.max(at, endMs) + scoreMs(call.scoredTokens), 0)
        : lastEnd(schedule) + total;
    const best = (schedules: readonly (readonly EndedCall<ScoredCall>[])[], end: typeof lastScored) =>
      least(schedules.map(end)) / 1000;
    const faultless = clairvoyantSchedules([bySubBatch, byContext, byRow], { ...conditions, faultOf: NO_FAULTS });
    const faulty = clairvoyantSchedules([bySubBatch], { ...conditions, faultOf });
    const rows = byRow.flatMap((call) => call.rows);
    const bound = leastPossibleMs(rows, fleet.endpoints, fleet.engine);
    return {
      sampled: { boundS: bound / 1000, faultlessS: best(faultless, lastEnd), clairvoyantS: best(faulty, lastEnd) },
      scored: {
        boundS: (overlap ? Math.max(bound, total) : bound + total) / 1000,
        ...{ faultlessS: best(faultless, lastScored), clairvoyantS: best(faulty, lastScored) },
      },
    };
  };
};

const lastEnd = (schedule: readonly EndedCall<KnownCall>[]): number => schedule.at(-1)?.endMs ?? 0;
