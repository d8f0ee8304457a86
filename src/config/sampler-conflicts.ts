import { isLoopbackHost } from "./loopback-host.js";
import type { ServerOptions } from "./server.js";

/** "host:port", the host in brackets if it is an IPv6 address. */
const ADDRESS = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/;

/** A line for each thing that is wrong with the samplers of a server. */
export function samplerConflicts(server: ServerOptions): readonly string[] {
  const { samplers, overlap } = server;
  const lines = samplers.flatMap((sampler, i) => {
    const key = `server.samplers[${i}]`;
    if (sampler.kind === "local") {
      const hasUnusedOptions = sampler.engine === "torch" && Object.keys(sampler.engineOptions).length > 0;
      return hasUnusedOptions ? [`${key}.engineOptions are vLLM's, and the engine is "torch": leave them out`] : [];
    }
    return remoteConflicts(key, sampler);
  });
  const addresses = samplers.flatMap((sampler) => (sampler.kind === "remote" ? [sampler.address] : []));
  for (const address of new Set(addresses.filter((one, i) => addresses.indexOf(one) !== i)))
    lines.push(`server.samplers name ${address} more than once: each sampler belongs there once`);
  if (server.kind === "remote" && addresses.includes(server.address))
    lines.push(`server.samplers name ${server.address}, which is the trainer: leave it out, or leave samplers empty`);
  if (overlap && samplers.length === 0)
    lines.push("server.overlap is true, and server.samplers is empty: the trainer cannot score while it samples");
  return lines;
}

function remoteConflicts(
  key: string,
  { address, tlsCa }: { readonly address: string; readonly tlsCa?: string | undefined },
) {
  if (!ADDRESS.test(address)) return [`${key}.address is ${JSON.stringify(address)}; it must be host:port`];
  if (tlsCa !== undefined || isLoopbackHost(address.replace(/:\d+$/, ""))) return [];
  return [
    `${key}.address is ${address}, which is not on this machine: the connection must be encrypted, so set ${key}.tlsCa, or ` +
      "reach it through a tunnel that ends on 127.0.0.1",
  ];
}
