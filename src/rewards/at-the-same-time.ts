import PQueue from "p-queue";

/**
 * Scores parts, some at the same time. The first that fails stops the others, as does the caller's signal.
 * @param scorePart is given a signal that is aborted when nobody waits for it any more
 * @returns in the order of the parts
 */
export async function atTheSameTime<Part, Score>(
  parts: readonly Part[],
  { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal | undefined },
  scorePart: (part: Part, stop: AbortSignal) => Promise<Score>,
): Promise<readonly Score[]> {
  const over = new AbortController();
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const queue = new PQueue({ concurrency });
  try {
    return await queue.addAll(parts.map((part) => () => scorePart(part, stop)));
  } finally {
    queue.clear();
    over.abort();
  }
}
