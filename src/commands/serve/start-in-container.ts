import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { containerCli } from "../../server/containers/container-cli.js";
import { IN_CONTAINER } from "../../server/containers/container-arguments.js";
import { type Certificates, makeCertificates } from "../../server/containers/make-certificates.js";
import { startContainer } from "../../server/containers/start-container.js";
import type { CommandContext } from "../command-context.js";
import { packageVersion } from "../package-version.js";
import { mount, moveIntoContainer } from "./move-into-container.js";
import { engineArguments, type ServerOptions } from "./server-options.js";
import type { Started, StartOptions, StartRequest } from "./start-request.js";

/** Starts a server in a container of this machine. */
export async function startInContainer(context: CommandContext, request: StartRequest): Promise<Started> {
  const { name, options, folder, checkpointRoot, stageRoot, token, signal } = request;
  const { moved, mounts } = moveIntoContainer(options, context.cwd);
  const certificates = await certificatesFor(options, folder, context.cwd);
  const tool = options.container!;
  const cli = containerCli(tool, context.environment);
  const image = options.image ?? defaultImage(options);
  const { id, address } = await startContainer(
    cli,
    {
      ...{ tool, name: `drpo-${name}`, image, mayPull: options.image !== undefined, port: options.port },
      mounts: [
        mount(checkpointRoot, IN_CONTAINER.checkpoints, { isReadOnly: false }),
        mount(stageRoot, IN_CONTAINER.stages, { isReadOnly: false }),
        mount(certificates.cert, inCertificates("tls.crt")),
        mount(certificates.key, inCertificates("tls.key")),
        mount(certificates.ca, inCertificates("ca.crt")),
        ...mounts,
      ],
      user: `${process.getuid?.() ?? 10001}:${process.getgid?.() ?? 10001}`,
      withGpus: usesGpus(options),
      sharesMemory: options.processes > 1 || options.engine === "vllm",
      processes: options.processes,
      serverArguments: [
        `--tls-cert=${inCertificates("tls.crt")}`,
        `--tls-key=${inCertificates("tls.key")}`,
        ...engineArguments(moved),
      ],
    },
    {
      secrets: { DRPO_SERVER_TOKEN: token },
      startTimeoutMs: options.startTimeout * 1000,
      signal,
    },
  );
  return { address, place: { kind: "container", tool, id, image, host: hostname() }, tlsCa: certificates.ca };
}

const inCertificates = (file: string): string => `${IN_CONTAINER.certificates}/${file}`;

/** The image for vLLM is CUDA's, unless the device says otherwise. */
const usesGpus = ({ device, engine }: ServerOptions): boolean => device?.startsWith("cuda") ?? engine === "vllm";

/** What ./scripts/build-image makes for the engine and the device. */
const defaultImage = (options: ServerOptions): string => {
  const target = options.engine === "vllm" ? "-sampler-cuda" : usesGpus(options) ? "-trainer-cuda" : "";
  return `drpo-server:${packageVersion()}${target}`;
};

/** Beyond its own loopback no server starts without TLS, and a container's port is beyond it. */
async function certificatesFor(options: StartOptions, folder: string, cwd: string): Promise<Certificates> {
  const { tlsCert, tlsKey, tlsCa } = options;
  if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined)
    return makeCertificates(join(folder, "certificates"));
  return { cert: resolve(cwd, tlsCert), key: resolve(cwd, tlsKey), ca: resolve(cwd, tlsCa) };
}
