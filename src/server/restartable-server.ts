import { EnvironmentError } from "../errors.js";
import type { LocalServer } from "./local-server.js";

/** A local server that is started when it is asked for, and started again when it has ended since. */
export interface RestartableServer {
  /** The server as it runs now. @throws as startLocalServer, if it cannot be started */
  running(): Promise<LocalServer>;
  /** Ends it for good, also while it starts. */
  stop(): Promise<void>;
}

/** @param start gives up when the signal says so */
export const restartableServer = (start: (signal: AbortSignal) => Promise<LocalServer>): RestartableServer => {
  let current: Promise<LocalServer> | undefined;
  const stopped = new AbortController();
  const forget = () => {
    current = undefined;
  };
  return {
    running() {
      if (stopped.signal.aborted) return Promise.reject(new EnvironmentError("The server was stopped."));
      if (current) return current;
      current = start(stopped.signal);
      current.then(({ ended }) => ended).then(forget, forget);
      return current;
    },
    async stop() {
      stopped.abort();
      const last = await current?.catch(() => undefined);
      await last?.stop();
    },
  };
};
