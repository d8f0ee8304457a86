/** Every call that can take long: how to stop it, and where it tells how far it is. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with units done and units in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}
