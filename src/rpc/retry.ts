import { DrpoError, InterruptedError } from "../errors.js";
import { retryDelayMs } from "../math/retry-delay.js";
import type { Clock } from "../ports/clock.js";
import type { IdempotencyLevel } from "./method.js";

export interface RetryPolicy {
  /** Times that a call is made in all; 1: never again. */
  readonly maxAttempts: number;
  /** Longest wait before the second attempt, ms; doubles from one attempt to the next. */
  readonly baseDelayMs: number;
  /** Longest wait, ms. */
  readonly maxDelayMs: number;
}

/** About six seconds in all: a dropped connection comes back in that time, a dead server does not. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxAttempts: 6, baseDelayMs: 250, maxDelayMs: 4_000 };

/** True if the same request may be sent once more: it can be repeated, the error says that it helps, attempts are left. */
export const shouldRetry = (failed: {
  readonly error: unknown;
  /** Attempts made so far; at least 1. */
  readonly attempts: number;
  readonly idempotencyLevel: IdempotencyLevel;
  readonly policy: RetryPolicy;
}): boolean =>
  failed.idempotencyLevel !== undefined &&
  failed.error instanceof DrpoError &&
  failed.error.retryable &&
  failed.attempts < failed.policy.maxAttempts;

const wait = (delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(
        new InterruptedError(
          "Interrupted between two attempts of a call. Every commit is kept: drpo train --resume goes on with the run.",
        ),
      );
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });

/** Makes the attempt until it succeeds or may not be repeated. @throws the last attempt's error, or InterruptedError. */
export const withRetries = async <T>(
  attempt: () => Promise<T>,
  options: {
    readonly idempotencyLevel: IdempotencyLevel;
    readonly policy: RetryPolicy;
    readonly clock: Clock;
    /** Uniform in [0, 1). */
    readonly random: () => number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<T> => {
  const { idempotencyLevel, policy, clock, random, signal } = options;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!shouldRetry({ error, attempts, idempotencyLevel, policy })) throw error;
      await wait(retryDelayMs(attempts, policy, random()), clock, signal);
    }
  }
};
