import { EnvironmentError, InterruptedError, ServerUnavailableError } from "../errors.js";
import { retryDelayMs } from "../math/retry-delay.js";
import type { Clock } from "../ports/clock.js";
import { type Endpoint, excerpt, nameOf } from "./endpoint.js";
import { retryAfterMs } from "./retry-after.js";

const BACKOFF = { baseDelayMs: 500, maxDelayMs: 30_000 };

/** An answer that the caller may not use, or none. */
interface Failure {
  readonly what: string;
  readonly mayPass: boolean;
  /** At least so long, ms, before the next attempt. */
  readonly waitMs: number;
  readonly cause?: unknown;
}

/** What the body of an answer says; or what is wrong with it, after "answered", so that it is asked for again. */
export type ReadBody<T> = (body: string) => { readonly value: T } | { readonly problem: string };

/**
 * Posts JSON until it is answered, again after 429, 5xx, a lost connection, silence or an answer that cannot be read: what
 * is asked changes nothing, so it can be repeated.
 * @returns what `read` makes of the answer
 * @throws EnvironmentError for an answer that will not get better, ServerUnavailableError when attempts are used up,
 *   InterruptedError when aborted; and what the endpoint's `pace` throws
 */
export async function postJson<T>(
  endpoint: Endpoint,
  body: unknown,
  { read, signal }: { readonly read: ReadBody<T>; readonly signal: AbortSignal },
): Promise<T> {
  const payload = JSON.stringify(body);
  const attemptOnce = () => attempt(endpoint, payload, { read, signal });
  for (let attempts = 1; ; attempts++) {
    if (signal.aborted) throw new InterruptedError(`${nameOf(endpoint)}: interrupted.`);
    const answer = await (endpoint.pace ? endpoint.pace(attemptOnce, signal) : attemptOnce());
    if ("value" in answer) return answer.value;
    if (signal.aborted) continue;
    const { what, mayPass, waitMs, cause } = answer;
    if (!mayPass) throw new EnvironmentError(`${nameOf(endpoint)} ${what}`, { cause });
    if (attempts >= endpoint.maxAttempts) {
      throw new ServerUnavailableError(
        `${nameOf(endpoint)} ${what}; attempts made: ${attempts}. ${endpoint.advice.unanswered}`,
        { cause },
      );
    }
    await wait(Math.max(waitMs, retryDelayMs(attempts, BACKOFF, endpoint.random())), endpoint.clock, signal);
  }
}

async function attempt<T>(
  { url, token, timeoutMs, clock, advice }: Endpoint,
  payload: string,
  { read, signal }: { readonly read: ReadBody<T>; readonly signal: AbortSignal },
): Promise<{ readonly value: T } | Failure> {
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
    if (!response.ok) return failureOf(response, text, { token, advice });
    const answer = read(text);
    return "value" in answer ? answer : { what: `answered ${answer.problem}`, mayPass: true, waitMs: 0 };
  } catch (cause) {
    if (silence.signal.aborted)
      return { what: `did not answer within ${timeoutMs} ms`, mayPass: true, waitMs: 0, cause };
    return { what: `could not be reached: ${reasonOf(cause)}`, mayPass: true, waitMs: 0, cause };
  } finally {
    cancelTimeout();
  }
}

function failureOf(
  { status, headers }: Response,
  text: string,
  { token, advice }: Pick<Endpoint, "token" | "advice">,
): Failure {
  const waitMs = retryAfterMs(headers.get("retry-after"), Date.now());
  const what = `answered ${status}${text === "" ? "" : `, ${excerpt(text, token)}`}`;
  if (status === 429 || status >= 500) return { what, mayPass: true, waitMs };
  const isRefusedToken = status === 401 || status === 403;
  const mend =
    status < 400 ? "It redirects: name the last address." : isRefusedToken ? advice.unauthorised : advice.refused;
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
