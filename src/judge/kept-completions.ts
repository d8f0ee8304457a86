import { createHash } from "node:crypto";
import type { AnswerCache } from "../ports/answer-cache.js";
import type { Endpoint } from "../http/endpoint.js";
import { askForCompletion } from "./chat-completions.js";

/** Changed when the same request may be answered otherwise, because it is sent otherwise. */
const REQUEST_VERSION = 1;

/** Asks for the text of a completion. @param attempt tells asking the same again from a repeated request */
export type AskForText = (
  request: Readonly<Record<string, unknown>>,
  asking: { readonly attempt: number; readonly signal: AbortSignal },
) => Promise<string>;

/**
 * Completions that are asked for once: kept under the hash of all that decides them, which are the address, the whole
 * request, and the number of the attempt. The same question asked twice at a time is one request.
 */
export function keptCompletions(endpoint: Endpoint, cache: AnswerCache): AskForText {
  const underWay = new Map<string, Promise<string>>();
  const ask: AskForText = async (request, { attempt, signal }) => {
    const { url } = endpoint;
    const key = hashOf({ version: REQUEST_VERSION, url, request, attempt });
    const running = underWay.get(key);
    if (running) return running;
    const answer = (async () => {
      const kept = await cache.get(key);
      if (kept) return kept.text;
      const { text, about } = await askForCompletion(endpoint, request, signal);
      return (await cache.keep(key, { text, about: { url, request, attempt, ...about } })).text;
    })();
    underWay.set(key, answer);
    try {
      return await answer;
    } finally {
      underWay.delete(key);
    }
  };
  return ask;
}

const hashOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");
