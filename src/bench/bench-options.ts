import type { FleetOptions } from "../testbed/fleet/fleet-options.js";

export interface BenchOptions {
  /** A fleet for each seed. */
  readonly seeds: readonly number[];
  /** Measured iterations of each seed, with and without overlap. */
  readonly iterations: number;
  /** Rollouts of a sub-batch. */
  readonly samplerRows: number;
  /** A call that says nothing for so long is given up, simulated ms. */
  readonly silenceMs: number;
  /** Of the simulated trainer, prompt and response tokens. */
  readonly scoringTokensPerSecond: number;
  readonly fleet: Omit<FleetOptions, "checkpointFolder">;
}

/**
 * 256 samplers, each like a GPU with a model of 7B in bfloat16: reading its weights takes most of a decoding step, and what
 * a row adds is its share of the KV cache. An iteration has 1,024 prompts with 8 continuations each, as large runs have.
 */
export const DEFAULTS: BenchOptions = {
  seeds: [1, 2, 3],
  iterations: 3,
  samplerRows: 8,
  silenceMs: 3000,
  scoringTokensPerSecond: 1_000_000,
  fleet: {
    endpoints: 256,
    samplingSlots: 32,
    engine: { maxRows: 256, prefillTokensPerSecond: 8000, stepMs: 10, stepMsPerRow: 0.08 },
    latency: { medianMs: 2, spread: 0.7 },
    progressEveryMs: 500,
    faults: { share: 0.01, withinMs: 4000, weights: { refused: 4, dropped: 3, stalled: 2, death: 1 }, seed: 0 },
    downMs: 5000,
    timeScale: 1,
    workload: {
      ...{ seed: 0, prompts: 1024, continuations: 8, promptTokens: [64, 256], budget: 512, resetProportion: 0 },
      lengths: { medianTokens: 150, spread: 0.8 },
    },
  },
};
