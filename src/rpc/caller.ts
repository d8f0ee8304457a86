import { DrpoError, EnvironmentError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Clock } from "../ports/clock.js";
import { callStream, type Part, type Streamed } from "./call-stream.js";
import { callUnary } from "./call-unary.js";
import type { Channel } from "./channel.js";
import { systemClock } from "./clock.js";
import type { Method } from "./method.js";
import { readStream } from "./read-stream.js";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, withRetries } from "./retry.js";

export interface CallerOptions {
  /** A call that neither progresses nor ends for so long (ms) is given up. */
  readonly silenceTimeoutMs: number;
  readonly retry?: RetryPolicy | undefined;
  readonly clock?: Clock | undefined;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random?: (() => number) | undefined;
  /** Runs on a failure that is not repeated; may throw a better error. */
  readonly explain?: ((error: unknown, options: CallOptions) => Promise<void>) | undefined;
}

/** Calls with retries. Everything that a service file needs to know about gRPC. */
export interface Caller {
  readonly address: string;
  unary<Request, Response>(
    method: Method<Request, Response, false>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  /** All parts of a stream. A repeated attempt starts from nothing, so no part comes twice. */
  stream<Request, Response extends Streamed>(
    method: Method<Request, Response, true>,
    request: Request,
    options?: CallOptions,
  ): Promise<Part<Response>[]>;
  /** The one result of a stream of progress. @throws EnvironmentError if there is not exactly one. */
  result<Request, Response extends Streamed>(
    method: Method<Request, Response, true>,
    request: Request,
    options?: CallOptions,
  ): Promise<Part<Response>>;
  /**
   * A stream too large to be kept: each part is handed on as it comes. An attempt that is repeated asks for what is then
   * missing, and as long as parts come, it is repeated at once.
   */
  read<Request, Response extends Streamed>(
    method: Method<Request, Response, true>,
    reading: { readonly request: () => Request; readonly onPart: (part: Part<Response>) => Promise<void> },
    options?: CallOptions,
  ): Promise<void>;
}

/** A Caller on an open channel. */
export const createCaller = (channel: Channel, callerOptions: CallerOptions): Caller => {
  const {
    silenceTimeoutMs,
    retry = DEFAULT_RETRY_POLICY,
    clock = systemClock,
    random = Math.random,
    explain,
  } = callerOptions;

  const attemptUntilDone = async <T>(
    { idempotencyLevel }: Method<never, unknown, boolean>,
    options: CallOptions,
    attempt: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await withRetries(attempt, { idempotencyLevel, policy: retry, clock, random, signal: options.signal });
    } catch (error) {
      await explain?.(error, options);
      throw error;
    }
  };

  const caller: Caller = {
    address: channel.address,
    unary: (method, request, options = {}) =>
      attemptUntilDone(method, options, () =>
        callUnary(channel, method, request, { ...options, silenceTimeoutMs, clock }),
      ),
    stream: (method, request, options = {}) =>
      attemptUntilDone(method, options, () =>
        callStream(channel, method, request, { ...options, silenceTimeoutMs, clock }),
      ),
    async result(method, request, options) {
      const [result, ...more] = await caller.stream(method, request, options);
      if (result !== undefined && more.length === 0) return result;
      throw new EnvironmentError(
        `${method.rpc} at ${channel.address}: the server answered ${result === undefined ? "no result" : "several results"} where ` +
          `one belongs. Its log may say more.`,
      );
    },
    read: (method, { request, onPart }, options = {}) =>
      attemptUntilDone(method, options, async () => {
        for (let parts = 1; ;) {
          const before = parts;
          const count = (part: Parameters<typeof onPart>[0]) => onPart(part).then(() => void parts++);
          try {
            return await readStream(
              channel,
              method,
              { request: request(), onPart: count },
              { ...options, silenceTimeoutMs, clock },
            );
          } catch (error) {
            if (parts === before || !(error instanceof DrpoError) || !error.retryable) throw error;
          }
        }
      }),
  };
  return caller;
};
