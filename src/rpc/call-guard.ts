import type { Clock } from "../ports/clock.js";
import type { StopReason } from "./grpc-error.js";

export interface CallGuard {
  /** The server gave a sign of life: silence is counted from now. */
  heard(): void;
  /** The call is over. @returns why the guard had cancelled it, if it had. */
  release(): StopReason | undefined;
}

/** Watches one attempt of a call, and cancels it when the user asks or when the server has been silent for too long. */
export const guardCall = (watch: {
  readonly cancel: () => void;
  readonly signal?: AbortSignal | undefined;
  readonly silenceTimeoutMs: number;
  readonly clock: Clock;
}): CallGuard => {
  let stopped: StopReason | undefined;
  const stop = (reason: StopReason) => {
    stopped ??= reason;
    watch.cancel();
  };
  const listen = () => watch.clock.schedule(watch.silenceTimeoutMs, () => stop("silent"));
  let stopListening = listen();
  const onAbort = () => stop("interrupted");
  watch.signal?.addEventListener("abort", onAbort, { once: true });
  // Not at once: the caller has yet to keep what `cancel` and this function return.
  if (watch.signal?.aborted) queueMicrotask(onAbort);
  return {
    heard() {
      stopListening();
      stopListening = listen();
    },
    release() {
      stopListening();
      watch.signal?.removeEventListener("abort", onAbort);
      return stopped;
    },
  };
};
