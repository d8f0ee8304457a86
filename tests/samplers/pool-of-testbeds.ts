import type { ModelHandle } from "../../src/domain/model.js";
import type { SampleContext, Sampler } from "../../src/ports/sampler.js";
import { samplerEndpoint } from "../../src/rpc/sampler-endpoint.js";
import { checkpointPublisher } from "../../src/samplers/checkpoint-publisher.js";
import { createSamplerPool, type SamplerPool, type SamplerPoolOptions } from "../../src/samplers/sampler-pool.js";
import { startTestbed, type Testbed, type TestbedOptions } from "../../src/testbed/start-testbed.js";
import { createManualClock, type ManualClock } from "../rpc/manual-clock.js";
import {
  accumulate,
  ADAMW,
  connectToTestbed,
  RUN,
  type TestbedConnection,
  tinyModel,
  unevenLogits,
  VOCABULARY,
} from "../rpc/testbed-connection.js";

export const PARAMS = { temperature: 1, topP: 1, topK: 0, stopTokenIds: [3] };

/** A trainer and samplers, each a real server of this process, and the pool that makes one of them. */
export interface PoolOfTestbeds {
  readonly trainer: TestbedConnection;
  readonly samplers: readonly Testbed[];
  readonly pool: SamplerPool;
  readonly clock: ManualClock;
  /** What a person was told. */
  readonly notes: readonly string[];
  readonly model: ModelHandle;
  /** The model after one more optimiser step. */
  train(model: ModelHandle): Promise<ModelHandle>;
  end(): Promise<void>;
}

export const poolOfTestbeds = async (
  count: number,
  options: Partial<SamplerPoolOptions> & { readonly samplerOptions?: Partial<TestbedOptions> } = {},
): Promise<PoolOfTestbeds> => {
  const trainer = await connectToTestbed();
  const world = { vocabulary: VOCABULARY, contextTokens: 12, logits: unevenLogits, ...options.samplerOptions };
  const samplers = await Promise.all(
    Array.from({ length: count }, () => startTestbed({ ...world, weightsFrom: trainer.testbed.store })),
  );
  const clock = createManualClock();
  const notes: string[] = [];
  const endpoints = samplers.map(({ address }, i) =>
    samplerEndpoint({
      ...{ name: `s${i + 1}`, locate: () => Promise.resolve({ address }), runId: RUN, clock },
      ...{ silenceTimeoutMs: 5_000, retry: { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 } },
    }),
  );
  const pool = createSamplerPool({
    ...{ endpoints, rows: 2, probeTolerance: 1e-9, clock, random: () => 0 },
    progress: { note: (line) => void notes.push(line) },
    publisher: checkpointPublisher({
      ...{ models: trainer.server.models, trainer: trainer.server.trainer, folder: "checkpoints" },
      probeRows: [{ tokens: [0, 1, 2, 1, 0], spanStart: 1, spanLength: 4 }],
    }),
    ...options,
  });
  const train = async (model: ModelHandle) => {
    const { requestId } = await accumulate(trainer, model);
    const step = { model, requestIds: [requestId], adamw: ADAMW, maxGradientNorm: 0 };
    return (await trainer.server.trainer.optimizerStep(step)).model;
  };
  const end = async () => {
    await pool.close();
    await Promise.all(samplers.map((sampler) => sampler.close()));
    await trainer.end();
  };
  try {
    const model = await trainer.server.models.createModel(tinyModel({ name: "policy" }));
    await pool.open();
    return { trainer, samplers, pool, clock, notes, model, train, end };
  } catch (error) {
    await end();
    throw error;
  }
};

/** Contexts with two continuations each. */
export const someContexts = (count: number): readonly SampleContext[] =>
  Array.from({ length: count }, (_, i) => ({
    tokens: [i % 3, (i + 1) % 3],
    maxNewTokens: 1 + (i % 6),
    firstPosition: 0,
    seeds: [BigInt(100 + i), BigInt(200 + i)],
  }));

/** What the trainer would have sampled itself: on tables, to the bit what samplers write. */
export const sampledByTrainer = (
  { trainer }: Pick<PoolOfTestbeds, "trainer">,
  request: Parameters<Sampler["sample"]>[0],
) => trainer.server.sampler.sample(request);
