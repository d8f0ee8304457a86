import { EnvironmentError, InterruptedError, ServerUnavailableError } from "../errors.js";
import { retryDelayMs } from "../math/retry-delay.js";
import type { Clock } from "../ports/clock.js";
import { retryAfterMs } from "./retry-after.js";

/** Where requests go, and how long they are tried. */
export interface Endpoint {
  readonly url: string;
  /** Place in the recipe, for messages: "reward". */
  readonly where: string;
  /** Sent as Authorization: Bearer, and never shown. */
  readonly token: string | undefined;
  readonly timeoutMs: number;
  /** Times that a request is made in all; at least 1. */
  readonly maxAttempts: number;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
}

const BACKOFF = { baseDelayMs: 500, maxDelayMs: 30_000 };

/** An answer that the caller may not use, or none. */
interface Failure {
  readonly what: string;
  readonly mayPass: boolean;
  /** At least so long, ms, before the next attempt. */
  readonly waitMs: number;
  readonly cause?: unknown;
}

/**
 * Posts JSON until it is answered, again after 429, 5xx, a lost connection or silence: scoring changes nothing, so it can
 * be repeated.
 * @returns the body of the answer
 * @throws EnvironmentError for an answer that will not get better, ServerUnavailableError when attempts are used up,
 *   InterruptedError when aborted
 */
export async function postJson(endpoint: Endpoint, body: unknown, signal: AbortSignal): Promise<string> {
  const payload = JSON.stringify(body);
  for (let attempts = 1; ; attempts++) {
    if (signal.aborted) throw new InterruptedError(`${nameOf(endpoint)}: interrupted.`);
    const answer = await attempt(endpoint, payload, signal);
    if (typeof answer === "string") return answer;
    if (signal.aborted) continue;
    const { what, mayPass, waitMs, cause } = answer;
    if (!mayPass) throw new EnvironmentError(`${nameOf(endpoint)} ${what}`, { cause });
    if (attempts >= endpoint.maxAttempts) {
      throw new ServerUnavailableError(
        `${nameOf(endpoint)} ${what}; attempts made: ${attempts}. Check that the verifier runs and keeps up ` +
          `(batchSize, concurrency, timeoutMs).`,
        { cause },
      );
    }
    await wait(Math.max(waitMs, retryDelayMs(attempts, BACKOFF, endpoint.random())), endpoint.clock, signal);
  }
}

/** "reward: http://127.0.0.1:8000/score", without a query, which may hold a secret. */
export function nameOf({ url, where }: Pick<Endpoint, "url" | "where">): string {
  const { origin, pathname } = new URL(url);
  return `${where}: ${origin}${pathname}`;
}

/** The beginning of an answer, for messages, without the token should it be repeated there. */
export function excerpt(text: string, token: string | undefined): string {
  const safe = token === undefined ? text : text.replaceAll(token, "[token]");
  return JSON.stringify(safe.length > 200 ? `${safe.slice(0, 197)}...` : safe);
}

async function attempt(endpoint: Endpoint, payload: string, signal: AbortSignal): Promise<string | Failure> {
  const { url, token, timeoutMs, clock } = endpoint;
  const silence = new AbortController();
  const cancelTimeout = clock.schedule(timeoutMs, () => silence.abort());
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: payload,
      // A token goes to the address that the recipe names, and to no other.
      redirect: "manual",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const text = await response.text();
    return response.ok ? text : failureOf(response, text, token);
  } catch (cause) {
    if (silence.signal.aborted)
      return { what: `did not answer within ${timeoutMs} ms`, mayPass: true, waitMs: 0, cause };
    return { what: `could not be reached: ${reasonOf(cause)}`, mayPass: true, waitMs: 0, cause };
  } finally {
    cancelTimeout();
  }
}

function failureOf({ status, headers }: Response, text: string, token: string | undefined): Failure {
  const waitMs = retryAfterMs(headers.get("retry-after"), Date.now());
  const what = `answered ${status}${text === "" ? "" : `, ${excerpt(text, token)}`}`;
  if (status === 429 || status >= 500) return { what, mayPass: true, waitMs };
  const mend =
    status < 400
      ? "It redirects: name the last address in url."
      : status === 401 || status === 403
        ? "Name the environment variable with its token in tokenEnv."
        : "Correct the url, or the verifier.";
  return { what: `${what}. ${mend}`, mayPass: false, waitMs };
}

/** fetch says "fetch failed", and why in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: why } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return code ?? why ?? message;
}

/** Is over after the time, or at an abort. */
const wait = (delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.schedule(delayMs, end);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
