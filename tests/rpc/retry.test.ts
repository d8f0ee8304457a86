import { describe, expect, test } from "@jest/globals";
import { EnvironmentError, InterruptedError, ServerUnavailableError } from "../../src/errors.js";
import { shouldRetry, withRetries } from "../../src/rpc/retry.js";
import { createManualClock, impatientClock } from "./manual-clock.js";

const policy = { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 1000 };
const unavailable = new ServerUnavailableError("gone");

describe("the decision", () => {
  const failed = { error: unavailable as unknown, attempts: 1, idempotencyLevel: "IDEMPOTENT", policy } as const;

  test("a retryable failure of an idempotent call", () => expect(shouldRetry(failed)).toBe(true));
  test("not without an idempotency level", () =>
    expect(shouldRetry({ ...failed, idempotencyLevel: undefined })).toBe(false));
  test("not for a fatal error", () => expect(shouldRetry({ ...failed, error: new EnvironmentError("x") })).toBe(false));
  test("not for an error of another kind", () => expect(shouldRetry({ ...failed, error: new Error("x") })).toBe(false));
  test("not when attempts are used up", () => expect(shouldRetry({ ...failed, attempts: 3 })).toBe(false));
});

describe("the plumbing", () => {
  const options = { idempotencyLevel: "NO_SIDE_EFFECTS", policy, random: () => 0.5 } as const;

  test("tries again until it succeeds", async () => {
    let attempts = 0;
    const attempt = async () => {
      if (++attempts < 3) throw unavailable;
      return "done";
    };
    await expect(withRetries(attempt, { ...options, clock: impatientClock })).resolves.toBe("done");
    expect(attempts).toBe(3);
  });

  test("throws the last error when attempts are used up", async () => {
    let attempts = 0;
    const attempt = async () => Promise.reject(new ServerUnavailableError(`attempt ${++attempts}`));
    await expect(withRetries(attempt, { ...options, clock: impatientClock })).rejects.toThrow("attempt 3");
  });

  test("waits the delay, and not after an abort", async () => {
    const clock = createManualClock();
    const user = new AbortController();
    const result = withRetries(() => Promise.reject(unavailable), { ...options, clock, signal: user.signal });
    result.catch(() => undefined);
    await new Promise(setImmediate);
    expect(clock.waiting).toEqual([75]);
    user.abort();
    await expect(result).rejects.toThrow(InterruptedError);
    expect(clock.waiting).toEqual([]);
  });
});
