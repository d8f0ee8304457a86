import type { ModelHandle } from "../domain/model.js";
import { EnvironmentError } from "../errors.js";
import type { ConnectedSampler, SamplerEndpoint } from "../ports/sampler-endpoint.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { Continuation, SamplingParams } from "../ports/sampler.js";
import type { PublishedWeights } from "../ports/weight-publisher.js";
import { checkDrift } from "./check-drift.js";
import { heardByMany } from "./heard-by-many.js";
import type { SubBatch } from "./plan-sub-batches.js";

/** One endpoint of a pool: whether it is there, what it holds, and how much room it has. */
export interface PooledSampler {
  readonly name: string;
  /** What it is; undefined while it is out. */
  readonly info: ServerInfo | undefined;
  /** Sub-batches that it takes at once; 0 while it is out. */
  readonly slots: number;
  /** Sub-batches that it has not answered. */
  readonly running: number;
  /** True if it can begin with this version at once. */
  holds(model: ModelHandle): boolean;
  /** Connects; it then holds nothing. @throws as SamplerEndpoint.connect */
  open(options?: CallOptions): Promise<void>;
  /** Takes it out: what it was asked fails. */
  lose(): void;
  /** Begins to sync the version, so that it is there when the first sub-batch comes; what fails will fail again then. */
  prepare(published: PublishedWeights): void;
  /** Gives it nothing more to do; what it is at may still end. It is back once it is opened anew. */
  suspend(): void;
  /** Syncs the version first, if it does not hold it, and compares it with the trainer. */
  sample(
    work: { readonly subBatch: SubBatch; readonly published: PublishedWeights; readonly params: SamplingParams },
    options: CallOptions,
  ): Promise<readonly (readonly Continuation[])[]>;
}

/** A version that a sampler holds, or is being given. */
interface Held {
  readonly key: string;
  readonly done: Promise<void>;
}

interface Connection {
  /** Undefined while the sampler is out. */
  readonly sampler?: ConnectedSampler;
  readonly lost: AbortController;
  /** By the name of the model. */
  readonly held: Map<string, Held>;
  running: number;
  isSuspended: boolean;
}

const disconnected = (): Connection => ({ lost: heardByMany(), held: new Map(), running: 0, isSuspended: false });

/** @param tolerance of the probe, nats a token */
export const createPooledSampler = (endpoint: SamplerEndpoint, tolerance: number): PooledSampler => {
  const { name } = endpoint;
  /** All that belongs to one connection: what is late of an earlier one changes nothing of this one. */
  let current = disconnected();

  const sync = async ({ sampler, lost }: Connection, published: PublishedWeights): Promise<void> => {
    const { model, checkpoint, probeRows } = published;
    const call = { signal: lost.signal };
    await sampler!.syncWeights(model, checkpoint, call);
    checkDrift(name, await sampler!.computeLogprobs(model, probeRows, call), published, tolerance);
  };

  /** Two sub-batches that need the same version share one sync. */
  const hold = (connection: Connection, published: PublishedWeights): Promise<void> => {
    const { model } = published;
    const { held } = connection;
    const found = held.get(model.name);
    if (found?.key === keyOf(model)) return found.done;
    const done = sync(connection, published).catch((error: unknown) => {
      // A newer version may have taken its place.
      if (held.get(model.name)?.done === done) held.delete(model.name);
      throw error;
    });
    held.set(model.name, { key: keyOf(model), done });
    return done;
  };

  const lose = () => {
    current.lost.abort();
    current.sampler?.close();
    current = disconnected();
  };

  return {
    name,
    get info() {
      return current.sampler?.info;
    },
    get slots() {
      return current.isSuspended ? 0 : (current.sampler?.info.samplingSlots ?? 0);
    },
    get running() {
      return current.running;
    },
    holds: (model) => current.held.get(model.name)?.key === keyOf(model),

    async open(options) {
      lose();
      const sampler = await endpoint.connect(options);
      current = { ...disconnected(), sampler };
    },

    lose,

    prepare(published) {
      if (current.sampler) hold(current, published).catch(() => undefined);
    },

    suspend: () => void (current.isSuspended = true),

    async sample({ subBatch: { contexts }, published, params }, { signal, onProgress }) {
      const connection = current;
      if (connection.sampler === undefined) throw new EnvironmentError(`sampler ${name} is out.`);
      const attempt = new AbortController();
      const stop = () => attempt.abort();
      const ends = [connection.lost.signal, signal];
      for (const end of ends) end?.addEventListener("abort", stop, { once: true });
      connection.running++;
      try {
        await hold(connection, published);
        const request = { model: published.model, contexts, params };
        return await connection.sampler.sample(request, { signal: attempt.signal, onProgress });
      } finally {
        connection.running--;
        for (const end of ends) end?.removeEventListener("abort", stop);
      }
    },
  };
};

const keyOf = ({ version: { generation, optimizerStep, weightsHash } }: ModelHandle): string =>
  `${generation}/${optimizerStep}/${weightsHash}`;
