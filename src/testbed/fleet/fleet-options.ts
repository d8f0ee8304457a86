import type { EngineSpeed } from "./batching-engine.js";
import type { FaultRates } from "./call-faults.js";
import type { FleetWorkload } from "./fleet-workload.js";

/** A simulated fleet. */
export interface FleetOptions {
  readonly endpoints: number;
  /** SampleRollouts calls that an endpoint says it takes at once. */
  readonly samplingSlots: number;
  readonly engine: EngineSpeed;
  /** One way, simulated ms: the logarithm of a message's latency is normal. */
  readonly latency: { readonly medianMs: number; readonly spread: number };
  /** A call that computes says so this often, simulated ms. */
  readonly progressEveryMs: number;
  readonly faults: FaultRates;
  /** From the death of an endpoint to its restart, simulated ms. */
  readonly downMs: number;
  /** Simulated seconds that pass in one second. */
  readonly timeScale: number;
  readonly workload: FleetWorkload;
  /** Where the trainer writes its checkpoints. */
  readonly checkpointFolder: string;
}
