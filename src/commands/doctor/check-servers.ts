import { basename } from "node:path";
import { DrpoError } from "../../errors.js";
import { probeModelServer } from "../../rpc/probe-model-server.js";
import { describeServer } from "../serve/format-server.js";
import { compareLogprobs } from "./compare-logprobs.js";
import type { Finding } from "./doctor-checks.js";
import type { KnownServer, LocatedServer } from "./locate-server.js";
import { type LogprobProbe, probeLogprobs } from "./probe-logprobs.js";

/** What a server answers with when it is asked what it is; longer than that it hangs. */
const GREETING_MS = 10_000;

/**
 * Reachability, token, schema and abilities of servers, what each makes of a fixed text, and whether those with one base
 * agree.
 * @param base folder on the servers; without it, one that each of them has loaded
 */
export async function checkServers(
  servers: readonly LocatedServer[],
  base: string | undefined,
): Promise<readonly Finding[]> {
  const greetings = await Promise.all(servers.map((server) => greet(server, base)));
  const known = greetings.flatMap(({ server }) => (server === null ? [] : [server]));
  const probes = await probeLogprobs(known.filter(canProbe));
  return [
    ...greetings.map(({ finding }) => finding),
    ...probes.map(({ finding }) => finding),
    ...agreements(probes.flatMap(({ probe }) => (probe === null ? [] : [probe]))),
  ];
}

const canProbe = (server: KnownServer): server is KnownServer & { readonly base: string } =>
  server.base !== null && server.info.capabilities.includes("sampler");

async function greet(
  server: LocatedServer,
  base: string | undefined,
): Promise<{ readonly finding: Finding; readonly server: KnownServer | null }> {
  const name = `server ${server.address}`;
  try {
    const probe = await probeModelServer({ ...server, silenceTimeoutMs: GREETING_MS });
    probe.close();
    const { info } = probe;
    const known = { ...server, info, base: base ?? info.residentBases[0] ?? null };
    const found = [...describeServer(info), ...whyNotProbed(known)].join("; ");
    return { finding: { name, isOk: true, found, info }, server: known };
  } catch (error) {
    if (!(error instanceof DrpoError)) throw error;
    const mend = "Start one with drpo serve start, or correct the address or the token.";
    return { finding: { name, isOk: false, found: error.message, mend }, server: null };
  }
}

const whyNotProbed = ({ info, base }: KnownServer): readonly string[] => {
  if (!info.capabilities.includes("sampler")) return ["no log-probabilities of a text: it samples nothing"];
  return base === null ? ["name a --base for log-probabilities of a text"] : [];
};

/** Servers whose bases have one name, each with the first of them. */
function agreements(probes: readonly LogprobProbe[]): readonly Finding[] {
  return probes.flatMap((probe, i) => {
    const first = probes.findIndex(({ server }) => basename(server.base) === basename(probe.server.base));
    return first === i ? [] : [compareLogprobs(probes[first]!, probe)];
  });
}
