import type { Failure, RunsEvent } from "../api.js";

const TOKEN_KEY = "drpo-token";

/** The server asks for its token, or for another one. */
export class TokenNeeded extends Error {}

/** Takes the token out of the address (#token=...), where it would be kept in the history, into this tab's memory. */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  rememberToken(token);
  history.replaceState(null, "", location.pathname + location.search);
}

export const rememberToken = (token: string): void => sessionStorage.setItem(TOKEN_KEY, token);

function headers(): Record<string, string> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...init, headers: { ...headers(), ...init.headers } });
  if (response.status === 401) throw new TokenNeeded();
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({ error: response.statusText }))) as Failure;
  throw new Error(error);
}

export async function get<T>(path: string, signal: AbortSignal): Promise<T> {
  return (await (await ask(path, { signal })).json()) as T;
}

export async function post<T>(path: string, body: unknown, signal: AbortSignal): Promise<T> {
  const init = { method: "POST", signal, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  return (await (await ask(path, init)).json()) as T;
}

/** Reads the server's events until the connection ends. By fetch: an EventSource cannot send a header. */
export async function readEvents(onEvent: (event: RunsEvent) => void, signal: AbortSignal): Promise<void> {
  const { body } = await ask("/api/events", { signal });
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop()!;
    for (const event of events) {
      if (event.startsWith("data: ")) onEvent(JSON.parse(event.slice("data: ".length)) as RunsEvent);
    }
  }
}

/** "/api/runs/ID" and what follows; ids have "/" in them. */
export const runPath = (id: string, rest = ""): string => `/api/runs/${encodeURIComponent(id)}${rest}`;

/** "?a=1&b=2", without what is null. */
export function query(values: Readonly<Record<string, string | number | boolean | null>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null);
  return `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()}`;
}
