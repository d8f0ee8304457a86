import { BadInputError } from "../errors.js";
import type { Clock } from "../ports/clock.js";

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
  /** What a user can do about an answer that will not get better: a sentence each. */
  readonly advice: {
    /** No attempt was answered. */
    readonly unanswered: string;
    /** 401 and 403. */
    readonly unauthorised: string;
    /** Any other refusal. */
    readonly refused: string;
  };
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly random: () => number;
  /** Makes each attempt when it may be made, for a limit on them; at once where it is left out. */
  readonly pace?: <T>(attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/** "reward: http://127.0.0.1:8000/score", without a query, which may hold a secret. */
export function nameOf({ url, where }: Pick<Endpoint, "url" | "where">): string {
  const { origin, pathname } = new URL(url);
  return `${where}: ${origin}${pathname}`;
}

/** A text that came from an endpoint, without the token should it be repeated there: as it is, or within JSON. */
export function withoutToken(text: string, token: string | undefined): string {
  if (token === undefined) return text;
  return text.replaceAll(token, "[token]").replaceAll(JSON.stringify(token).slice(1, -1), "[token]");
}

/** The beginning of an answer, for messages, without the token. */
export function excerpt(text: string, token: string | undefined): string {
  const safe = withoutToken(text, token);
  return JSON.stringify(safe.length > 200 ? `${safe.slice(0, 197)}...` : safe);
}

/** @throws BadInputError for a token that cannot be sent: fetch would repeat it in its error */
export function refuseUnsendableToken(token: string | undefined, where: string): void {
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return;
  throw new BadInputError(
    `${where}: the token is empty, or has a space or a line break in it: it cannot be sent. Set it anew.`,
  );
}
