import type { Mutation } from "../proto-gen/drpo/v1/common.js";

/**
 * Names the mutations of one holder of a run. An id is `<fence>-<counter>`: the fence is the client's generation, so a
 * replay by a later process, or after a restart, is a new request, while a retry by this one is the same.
 */
export interface Mutations {
  /** Sends a mutation under a fresh id, which every retry inside `send` repeats. */
  run<T>(send: (mutation: Mutation) => Promise<T>): Promise<T>;
  /** Requests that are over, answered or given up, and that the server has not been told to forget. */
  settled(): readonly string[];
  /** The server has dropped the answers of these. */
  forget(requestIds: readonly string[]): void;
}

/** @param fence as AcquireRun answered it. */
export const nameMutations = (runId: string, fence: bigint): Mutations => {
  let counter = 0;
  const settled = new Set<string>();
  return {
    async run(send) {
      const requestId = `${fence}-${++counter}`;
      try {
        return await send({ runId, fence, requestId });
      } finally {
        settled.add(requestId);
      }
    },
    settled: () => [...settled],
    forget: (requestIds) => requestIds.forEach((requestId) => settled.delete(requestId)),
  };
};
