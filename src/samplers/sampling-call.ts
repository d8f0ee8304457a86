import type { Continuation, PlacedContinuation, SampleOptions, SampleRequest } from "../ports/sampler.js";
import { heardByMany } from "./heard-by-many.js";
import type { SubBatch } from "./plan-sub-batches.js";

/** One request under way: where the sub-batches' answers come together. */
export interface SamplingCall {
  /** Answered, failed or given up: what comes late is ignored. */
  readonly isOver: boolean;
  /** Ends with the call, so that attempts which are still under way stop. */
  readonly signal: AbortSignal;
  /** continuations[context][seed], once every sub-batch is in. */
  readonly answer: Promise<readonly (readonly Continuation[])[]>;
  /** Rollouts of a sub-batch that are finished; 0 where it begins anew. */
  advance(subBatch: SubBatch, done: number): void;
  /** The answer of a sub-batch. */
  finish(subBatch: SubBatch, written: readonly (readonly Continuation[])[]): void;
  fail(error: unknown): void;
}

/** @param subBatches all of the request */
export const createSamplingCall = (
  { contexts }: SampleRequest,
  subBatches: readonly SubBatch[],
  { onProgress, onSampled }: SampleOptions,
): SamplingCall => {
  const results = contexts.map(({ seeds }) => new Array<Continuation>(seeds.length));
  const left = new Set(subBatches);
  const progress = new Map<SubBatch, number>();
  const total = contexts.reduce((sum, { seeds }) => sum + seeds.length, 0);
  let done = 0;
  let isOver = false;
  const end = heardByMany();
  const { promise: answer, resolve, reject } = withResolvers<readonly (readonly Continuation[])[]>();

  const settle = (how: () => void) => {
    if (isOver) return;
    isOver = true;
    end.abort();
    how();
  };
  const fail = (error: unknown) => settle(() => reject(error as Error));
  /** What those who listen throw ends the call. */
  const telling = (tell: () => void) => {
    try {
      tell();
    } catch (error) {
      fail(error);
    }
  };
  const advance = (subBatch: SubBatch, now: number) => {
    if (isOver) return;
    done += now - (progress.get(subBatch) ?? 0);
    progress.set(subBatch, now);
    telling(() => onProgress?.(done, total));
  };

  return {
    get isOver() {
      return isOver;
    },
    signal: end.signal,
    answer,
    advance,
    fail,

    finish(subBatch, written) {
      if (isOver || !left.delete(subBatch)) return;
      const placed = placeEach(subBatch, written);
      for (const { contextIndex, continuationIndex, continuation } of placed)
        results[contextIndex]![continuationIndex] = continuation;
      advance(subBatch, subBatch.rows);
      telling(() => onSampled?.(placed));
      if (left.size === 0) settle(() => resolve(results));
    },
  };
};

const placeEach = (
  { places }: SubBatch,
  written: readonly (readonly Continuation[])[],
): readonly PlacedContinuation[] =>
  places.flatMap(({ contextIndex, firstSeed }, i) =>
    written[i]!.map((continuation, seed) => ({ contextIndex, continuationIndex: firstSeed + seed, continuation })),
  );

const withResolvers = <T>() => {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};
