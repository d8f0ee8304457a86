import { useEffect, useState } from "preact/hooks";

/** What is shown: all of it is in the address, so that a link shows the same, and "back" goes back. */
export interface Address {
  readonly view: "runs" | "run" | "compare";
  /** Of the view "run". */
  readonly id: string | null;
  readonly params: URLSearchParams;
}

type Changes = Readonly<Record<string, string | number | null>>;

const listeners = new Set<() => void>();
addEventListener("popstate", () => tell());

const tell = (): void => {
  for (const listener of listeners) listener();
};

export function currentAddress(): Address {
  const params = new URLSearchParams(location.search);
  const [, id] = /^\/runs\/(.+)$/.exec(location.pathname) ?? [];
  if (id !== undefined) return { view: "run", id: decodeURIComponent(id), params };
  return { view: location.pathname === "/compare" ? "compare" : "runs", id: null, params };
}

export function useAddress(): Address {
  const [address, setAddress] = useState(currentAddress);
  useEffect(() => {
    const listener = () => setAddress(currentAddress());
    listeners.add(listener);
    listener();
    return () => void listeners.delete(listener);
  }, []);
  return address;
}

export function go(url: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  tell();
}

/** The address with some parameters changed; null takes one away. */
export function withParams(changes: Changes, { pathname, search } = location): string {
  const params = new URLSearchParams(search);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") params.delete(key);
    else params.set(key, String(value));
  }
  const text = params.toString();
  return pathname + (text === "" ? "" : `?${text}`);
}

/** While something is dragged or typed, each change takes the place of the one before. */
export const setParams = (changes: Changes, options?: { readonly replace?: boolean }): void =>
  go(withParams(changes), options);

export const runAddress = (id: string, changes: Changes = {}): string =>
  withParams(changes, { ...location, pathname: `/runs/${encodeURIComponent(id)}`, search: "" });

export const compareAddress = (ids: readonly string[]): string =>
  `/compare?${new URLSearchParams(ids.map((id) => ["run", id])).toString()}`;

/** Follows a link of the page without loading it anew; others, and those that are to open elsewhere, are the browser's. */
export function followLink(event: MouseEvent): void {
  const link = (event.target as Element).closest("a");
  if (!link || link.target !== "" || link.origin !== location.origin || link.hash !== "") return;
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
