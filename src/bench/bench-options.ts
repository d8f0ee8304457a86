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
 * 256 samplers, each like an A100 with a model of 7B in bfloat16: reading the weights takes most of a decoding step, and a row
 * adds its share of the KV cache and of the arithmetic. An iteration has 512 prompts with 4 continuations each.
 */
export const DEFAULTS: BenchOptions = {
  seeds: [1, 2, 3],
  iterations: 2,
  samplerRows: 8,
  silenceMs: 5000,
  scoringTokensPerSecond: 150_000,
  fleet: {
    endpoints: 256,
    samplingSlots: 32,
    engine: { maxRows: 256, prefillTokensPerSecond: 8000, stepMs: 20, stepMsPerRow: 0.15 },
    latency: { medianMs: 2, spread: 0.7 },
    progressEveryMs: 1000,
    faults: { share: 0.01, withinMs: 8000, weights: { refused: 4, dropped: 3, stalled: 2, death: 1 }, seed: 0 },
    downMs: 10_000,
    timeScale: 1,
    workload: {
      ...{ seed: 0, prompts: 512, continuations: 4, promptTokens: [64, 256], budget: 512, resetProportion: 0 },
      lengths: { medianTokens: 150, spread: 0.8 },
    },
  },
};
