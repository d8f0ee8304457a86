import PQueue from "p-queue";
import type { PlannedRun } from "./planned-run.js";

export interface SlotLimits {
  /** Servers on this machine at once. */
  readonly localServers: number;
  /** host:port of the sweep's servers. */
  readonly servers: readonly string[];
  /** Runs at once on each of them. */
  readonly runsPerServer: number;
}

/** Hands out model servers, so that no machine and no server has more to do than it is meant to. */
export function serverSlots({ localServers, servers, runsPerServer }: SlotLimits) {
  const local = new PQueue({ concurrency: localServers });
  const shared = new PQueue({ concurrency: Math.max(servers.length * runsPerServer, 1) });
  const load = new Map(servers.map((address) => [address, 0]));

  const withLeastLoaded = async <T>(work: (address: string) => Promise<T>): Promise<T> => {
    const [address] = [...load].reduce((least, one) => (one[1] < least[1] ? one : least));
    load.set(address, load.get(address)! + 1);
    try {
      return await work(address);
    } finally {
      load.set(address, load.get(address)! - 1);
    }
  };

  return {
    /** Waits for a server of this kind and keeps it while the work lasts; null: the run knows its own. */
    withServer<T>(kind: PlannedRun["server"], work: (address: string | null) => Promise<T>): Promise<T> {
      if (kind === "own") return work(null);
      if (kind === "local") return local.add(() => work(null));
      return shared.add(() => withLeastLoaded(work));
    },
  };
}
