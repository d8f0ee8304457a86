import { type CheckpointStore, createFolderStore } from "../checkpoint-store.js";
import { startTestbed } from "../start-testbed.js";
import type { WorldOptions } from "../world.js";
import { seededFaults } from "./call-faults.js";
import type { FleetOptions } from "./fleet-options.js";
import { lengthPolicy } from "./length-policy.js";
import { logNormal } from "./log-normal.js";
import { RolloutBook } from "./rollout-book.js";
import { type FleetConditions, type FleetRecord, newRecord } from "./sampling-desk.js";
import { startSimulatedSampler } from "./simulated-sampler.js";
import { simulatedTime } from "./simulated-time.js";

/** A trainer and its samplers. */
export interface Fleet {
  /** host:port of the trainer, ... */
  readonly trainer: string;
  /** ... and of the samplers. */
  readonly samplers: readonly string[];
  readonly record: FleetRecord;
  readonly book: RolloutBook;
  readonly world: WorldOptions;
  readonly published: CheckpointStore;
  close(): Promise<void>;
}

/** Starts a trainer and all samplers in this process, each on a port of its own. */
export const openFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { endpoints, samplingSlots, engine: speed, latency, progressEveryMs, downMs, workload } = options;
  const world = worldOf(options);
  const published = createFolderStore(options.checkpointFolder);
  const [record, book] = [newRecord(), new RolloutBook()];
  const conditions: FleetConditions = {
    ...{ speed, progressEveryMs, record, book },
    time: simulatedTime(options.timeScale),
    latencyMs: logNormal(latency.medianMs, latency.spread, BigInt(workload.seed)),
    faultOf: seededFaults(options.faults),
  };
  const trainer = await startTestbed({ ...world, store: published });
  const samplers = await Promise.all(
    Array.from({ length: endpoints }, () =>
      startSimulatedSampler({ world: { ...world, weightsFrom: published }, conditions, samplingSlots, downMs }),
    ),
  );
  return {
    ...{ trainer: trainer.address, samplers: samplers.map(({ address }) => address) },
    ...{ record, book, world, published },
    async close() {
      for (const sampler of samplers) sampler.close();
      await trainer.close();
    },
  };
};

const worldOf = ({ workload: { lengths, budget, promptTokens } }: FleetOptions): WorldOptions => ({
  ...lengthPolicy(lengths).world,
  contextTokens: promptTokens[1] + budget,
});
