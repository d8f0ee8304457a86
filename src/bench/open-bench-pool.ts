import type { ModelHandle } from "../domain/model.js";
import type { ModelServer } from "../ports/model-server.js";
import { systemClock } from "../rpc/clock.js";
import { connectModelServer } from "../rpc/connect-model-server.js";
import { samplerEndpoint } from "../rpc/sampler-endpoint.js";
import { checkpointPublisher } from "../samplers/checkpoint-publisher.js";
import { createSamplerPool, type SamplerPool } from "../samplers/sampler-pool.js";
import type { FleetAddresses } from "../testbed/fleet/fleet-messages.js";
import type { BenchOptions } from "./bench-options.js";

/** The orchestrator's side: a trainer's connection, a policy, and the pool that recipes get. */
export interface BenchPool {
  readonly server: ModelServer;
  readonly policy: ModelHandle;
  readonly pool: SamplerPool;
  /** What the pool told its user. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

const RUN = "bench-fleet";

export const openBenchPool = async (
  { trainer, samplers }: FleetAddresses,
  { samplerRows, silenceMs, fleet: { timeScale } }: BenchOptions,
): Promise<BenchPool> => {
  const connection = await connectModelServer({
    ...{ address: trainer, runId: RUN, base: "testbed:fleet", silenceTimeoutMs: 60_000 },
  });
  const { server } = connection;
  const policy = await server.models.createModel({
    ...{ name: "policy", base: "testbed:fleet", shape: { kind: "full" }, head: "language-model", trainable: true },
    seed: 1n,
  });
  const notes: string[] = [];
  const pool = createSamplerPool({
    endpoints: samplers.map((address) =>
      samplerEndpoint({
        ...{ name: address, runId: RUN, silenceTimeoutMs: silenceMs / timeScale },
        locate: async () => ({ address }),
      }),
    ),
    publisher: checkpointPublisher({
      ...{ models: server.models, trainer: server.trainer, folder: "checkpoints/bench" },
      probeRows: [{ tokens: [0, 1, 2, 3], spanStart: 1, spanLength: 3 }],
    }),
    ...{ rows: samplerRows, probeTolerance: 1e-3, clock: systemClock },
    progress: { note: (text) => void notes.push(text) },
  });
  await pool.open();
  return {
    ...{ server, policy, pool, notes },
    async close() {
      await pool.close();
      connection.close();
    },
  };
};
