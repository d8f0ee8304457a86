/** Outputs of finished stages, by content hash; shared by runs and processes. */
export interface StageCache {
  /**
   * The stored output for this key, or what `compute` makes of it. Two processes that ask for one key at the same time
   * compute it once: the other waits.
   * @param stillThere false if the server no longer has what the output names: it is computed again.
   */
  getOrCompute<T>(request: {
    readonly stage: string;
    /** SHA-256 (hexadecimal) of everything that the output depends on. */
    readonly key: string;
    readonly stillThere: (output: T) => Promise<boolean>;
    readonly compute: () => Promise<T>;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly output: T; readonly reused: boolean }>;
}
