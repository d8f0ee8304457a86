import { useEffect, useState } from "preact/hooks";
import { get } from "./api-client.js";

export interface Fetched<T> {
  /** What was fetched last: of the address before, while another is fetched. */
  readonly value: T | null;
  readonly error: string | null;
  readonly isLoading: boolean;
}

/**
 * Fetches an address, and again when it or `revision` changes. What is shown stays until the answer is there.
 * @param path null: nothing
 */
export function useFetched<T>(path: string | null, revision = ""): Fetched<T> {
  const [state, setState] = useState<Fetched<T>>({ value: null, error: null, isLoading: path !== null });
  useEffect(() => {
    if (path === null) {
      setState({ value: null, error: null, isLoading: false });
      return;
    }
    const abandoned = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    get<T>(path, abandoned.signal).then(
      (value) => setState({ value, error: null, isLoading: false }),
      (error: unknown) => {
        if (abandoned.signal.aborted) return;
        setState({ value: null, error: (error as Error).message, isLoading: false });
      },
    );
    return () => abandoned.abort();
  }, [path, revision]);
  return state;
}
