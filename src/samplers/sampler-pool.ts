import PQueue from "p-queue";
import { InterruptedError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Clock } from "../ports/clock.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { Progress } from "../ports/progress.js";
import type { SamplerEndpoint } from "../ports/sampler-endpoint.js";
import type { SampleOptions, Sampler, SampleRequest } from "../ports/sampler.js";
import type { PublishedWeights, WeightPublisher } from "../ports/weight-publisher.js";
import { isSamplersFault } from "./is-samplers-fault.js";
import { planSubBatches, type SubBatch } from "./plan-sub-batches.js";
import { createPoolMembers } from "./pool-members.js";
import { createPooledSampler } from "./pooled-sampler.js";
import { createPublications } from "./publications.js";
import { createSamplingCall, type SamplingCall } from "./sampling-call.js";

/** A sub-batch that so many samplers could not finish is not tried on another one. */
const MAX_FAILURES = 5;
/** With no sampler left for so long, the run ends. */
const NONE_LEFT_MS = 300_000;
/** Before everything that waits for its first turn. */
const NOW = Number.MAX_SAFE_INTEGER;

export interface SamplerPoolOptions {
  /** At least one. */
  readonly endpoints: readonly SamplerEndpoint[];
  readonly publisher: WeightPublisher;
  /** Most rollouts of a sub-batch. */
  readonly rows: number;
  /** Of the probe, nats a token. */
  readonly probeTolerance: number;
  readonly progress: Pick<Progress, "note">;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of attempts to take a sampler back. */
  readonly random?: (() => number) | undefined;
  /** How long a run waits when no sampler is left, ms; five minutes if left out. */
  readonly noneLeftMs?: number | undefined;
}

/** Many samplers that are one. */
export interface SamplerPool extends Sampler {
  /** What those are that are there. */
  readonly infos: readonly ServerInfo[];
  /**
   * Connects to all. One that is not there is looked for again while the others work.
   * @throws EnvironmentError if none is there, or if one is not what the run needs
   */
  open(options?: CallOptions): Promise<void>;
  /** Lets go of all samplers, and withdraws what was published. */
  close(): Promise<void>;
}

interface Job {
  readonly call: SamplingCall;
  readonly subBatch: SubBatch;
  readonly request: SampleRequest;
  readonly published: PublishedWeights;
  failures: number;
}

/**
 * Samples on many endpoints. The rows of a request are cut into sub-batches by plan-sub-batches.ts, and each goes to
 * whichever sampler has room, the longest first; so results do not depend on who sampled what. A sampler that fails is
 * taken out, its sub-batches go elsewhere, and it is taken back when it answers again.
 */
export const createSamplerPool = ({
  clock,
  rows,
  probeTolerance,
  noneLeftMs = NONE_LEFT_MS,
  ...options
}: SamplerPoolOptions): SamplerPool => {
  const queue = new PQueue({ autoStart: false });
  const calls = new Set<SamplingCall>();
  const publications = createPublications(options.publisher);
  let stopWaiting: (() => void) | undefined;

  /** As many sub-batches at a time as there is room for; with no room, the run waits for so long. */
  const countRoom = () => {
    const { room } = members;
    if (room > 0) {
      stopWaiting?.();
      stopWaiting = undefined;
      queue.concurrency = room;
      queue.start();
      return;
    }
    queue.pause();
    stopWaiting ??= clock.schedule(noneLeftMs, () => {
      stopWaiting = undefined;
      for (const call of calls) call.fail(members.noneLeft(noneLeftMs));
    });
  };

  const samplers = options.endpoints.map((endpoint) => createPooledSampler(endpoint, probeTolerance));
  const members = createPoolMembers(samplers, {
    progress: options.progress,
    clock,
    random: options.random ?? Math.random,
    onRoomChanged: countRoom,
  });

  const enqueue = (job: Job, priority: number) => void queue.add(() => attempt(job), { priority });

  const attempt = async (job: Job): Promise<void> => {
    const { call, subBatch, request, published } = job;
    if (call.isOver) return;
    // The queue runs no more than there is room for.
    const sampler = members.withMostRoom(published.model)!;
    try {
      const onProgress = (done: number) => call.advance(subBatch, done);
      const work = { subBatch, published, params: request.params };
      const written = await sampler.sample(work, { signal: call.signal, onProgress });
      members.worked(sampler);
      call.finish(subBatch, written);
    } catch (error) {
      if (call.isOver) return;
      // One that was interrupted was on a sampler that another sub-batch has found out to be lost.
      if (!(error instanceof InterruptedError)) {
        if (!isSamplersFault(error) || ++job.failures === MAX_FAILURES) return call.fail(error);
        members.takeOut(sampler, error as Error);
      }
      call.advance(subBatch, 0);
      enqueue(job, NOW);
    }
  };

  const sampleAll = async (
    request: SampleRequest,
    published: PublishedWeights,
    { signal, ...sampleOptions }: SampleOptions,
  ) => {
    const subBatches = planSubBatches(request.contexts, rows);
    const call = createSamplingCall(request, subBatches, sampleOptions);
    const stop = () =>
      call.fail(
        new InterruptedError(
          "Interrupted while samplers were writing. Every commit is kept: drpo train --resume goes on with the run.",
        ),
      );
    signal?.addEventListener("abort", stop, { once: true });
    calls.add(call);
    countRoom();
    if (signal?.aborted) stop();
    for (const subBatch of subBatches) enqueue({ call, subBatch, request, published, failures: 0 }, subBatch.longest);
    try {
      return await call.answer;
    } finally {
      calls.delete(call);
      signal?.removeEventListener("abort", stop);
    }
  };

  return {
    get infos() {
      return samplers.flatMap(({ info }) => info ?? []);
    },

    open: (callOptions) => members.open(callOptions),

    async sample(request, sampleOptions = {}) {
      const { contexts, model } = request;
      if (contexts.length === 0) return [];
      return publications.using(model, { signal: sampleOptions.signal }, (published) =>
        sampleAll(request, published, sampleOptions),
      );
    },

    async syncWeights(model, callOptions) {
      members.prepare(await publications.publish(model, callOptions));
    },

    async close() {
      stopWaiting?.();
      queue.clear();
      for (const call of calls) call.fail(new InterruptedError("The samplers were let go of."));
      members.close();
      await publications.withdrawAll();
    },
  };
};
