import { DrpoError } from "../../errors.js";
import type { ServerInfo } from "../../ports/model-store.js";
import { probeModelServer } from "../../rpc/probe-model-server.js";
import type { ServerRecord } from "../../server/detached/server-record.js";
import type { CommandContext } from "../command-context.js";
import { clientAddress, placeState, type PlaceState, tokenOf } from "./started-servers.js";

/** A running server answers at once; one that computes does, too. */
const SILENCE_MS = 10_000;

/** How a server is. */
export interface ServerReading {
  /** null: it is known by its address alone. */
  readonly name: string | null;
  /** host:port, as a client of this machine reaches it. */
  readonly address: string;
  /** "remote": not started here. */
  readonly state: PlaceState | "remote";
  readonly place: ServerRecord["place"] | null;
  readonly startedAt: string | null;
  /** What it says of itself; null if it does not answer. */
  readonly info: ServerInfo | null;
  /** Why it does not answer. */
  readonly problem: string | null;
}

/**
 * Asks a server that was started what it is.
 * @param options.mustServe throw what keeps it from answering
 */
export async function readServer(
  context: CommandContext,
  record: ServerRecord,
  options: { readonly mustServe?: boolean; readonly signal: AbortSignal },
): Promise<ServerReading> {
  const { name, place, startedAt, tlsCa } = record;
  const address = clientAddress(record.address);
  const ask = async (): Promise<ServerInfo> =>
    askServer({ address, tlsCa, token: await tokenOf(context, record) }, options);
  if (options.mustServe === true)
    return { name, address, state: "running", place, startedAt, info: await ask(), problem: null };
  const { value: state, problem: unknownPlace } = await orProblem(() => placeState(context, record));
  if (state !== "running") {
    const problem = unknownPlace ?? (state === "ended" ? "it has ended" : "it runs on another machine");
    return { name, address, state: state ?? "elsewhere", place, startedAt, info: null, problem };
  }
  const { value: info, problem } = await orProblem(ask);
  return { name, address, state, place, startedAt, info, problem };
}

/** Asks a server that is known by its address alone; its token is that of DRPO_SERVER_TOKEN. */
export async function readRemoteServer(
  { environment }: CommandContext,
  address: string,
  options: { readonly tlsCa: string | null; readonly signal: AbortSignal },
): Promise<ServerReading> {
  const token = environment["DRPO_SERVER_TOKEN"];
  const { value: info, problem } = await orProblem(() => askServer({ address, token, tlsCa: options.tlsCa }, options));
  return { name: null, address, state: "remote", place: null, startedAt: null, info, problem };
}

async function askServer(
  server: { readonly address: string; readonly token: string | undefined; readonly tlsCa: string | null },
  { signal }: { readonly signal: AbortSignal },
): Promise<ServerInfo> {
  const { address, token, tlsCa } = server;
  const probe = await probeModelServer({
    address,
    token,
    tlsCa: tlsCa ?? undefined,
    silenceTimeoutMs: SILENCE_MS,
    signal,
  });
  probe.close();
  return probe.info;
}

/** What keeps one server from answering must not keep others from being shown. */
async function orProblem<T>(
  ask: () => Promise<T>,
): Promise<{ readonly value: T | null; readonly problem: string | null }> {
  try {
    return { value: await ask(), problem: null };
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    return { value: null, problem: error.message };
  }
}
