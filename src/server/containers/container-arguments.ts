import { BadInputError } from "../../errors.js";
import type { ContainerTool } from "../detached/server-record.js";
import { moduleArguments } from "../server-command.js";

/** Where the image has things; server-images/Containerfile promises these. */
export const IN_CONTAINER = {
  bases: "/data/bases",
  checkpoints: "/data/checkpoints",
  stages: "/data/stages",
  published: "/data/published",
  certificates: "/run/secrets/drpo",
  weightsCa: "/run/secrets/weights-ca.crt",
  port: 50051,
} as const;

/** A folder or file of this machine, and where the container sees it. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

export interface ContainerRequest {
  readonly tool: ContainerTool;
  /** Of the container. */
  readonly name: string;
  readonly image: string;
  /** Ask a registry for an image that is not there. */
  readonly mayPull: boolean;
  /** Published on 127.0.0.1; 0: any free one. */
  readonly port: number;
  readonly mounts: readonly Mount[];
  /** "uid:gid" of whom the files will be. */
  readonly user: string;
  readonly withGpus: boolean;
  /** Processes that exchange tensors through shared memory: torchrun's, vLLM's workers. */
  readonly sharesMemory: boolean;
  /** More than 1: torchrun starts them. */
  readonly processes: number;
  /** Those of `python -m drpo_server` besides the folders, host and port, which the image gives. */
  readonly serverArguments: readonly string[];
}

/**
 * The arguments of docker or podman that start a server: an ordinary user, a root that cannot be written, no more rights
 * than needed, a port of this machine alone. The token is named, and its value comes from the tool's environment.
 */
export const containerArguments = (request: ContainerRequest): string[] => {
  const { tool, name, image, mayPull, port, mounts, user, withGpus, sharesMemory, processes, serverArguments } =
    request;
  return [
    ...["run", "--detach", `--name=${name}`, `--user=${user}`, "--env=DRPO_SERVER_TOKEN", "--env=DRPO_TRAINER_TOKEN"],
    ...["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"],
    `--publish=127.0.0.1:${port === 0 ? "" : port}:${IN_CONTAINER.port}`,
    ...mounts.map((mount) => `--mount=${mountOption(mount)}`),
    ...(mayPull ? [] : ["--pull=never"]),
    // Rootless: files that the container writes are its user's here, too.
    ...(tool === "podman" ? ["--userns=keep-id", "--security-opt=label=disable"] : []),
    ...(withGpus ? [tool === "docker" ? "--gpus=all" : "--device=nvidia.com/gpu=all"] : []),
    ...(sharesMemory ? ["--shm-size=8g"] : []),
    ...(processes > 1
      ? ["--entrypoint=python3", image, ...moduleArguments(processes), ...imageArguments, ...serverArguments]
      : [image, ...serverArguments]),
  ];
};

/** What the image's own entry point says, which another one replaces. */
const imageArguments = [
  `--checkpoint-root=${IN_CONTAINER.checkpoints}`,
  `--stage-root=${IN_CONTAINER.stages}`,
  "--host=0.0.0.0",
  `--port=${IN_CONTAINER.port}`,
];

const mountOption = ({ source, target, isReadOnly }: Mount): string => {
  if (/[,"]/.test(source))
    throw new BadInputError(`${source}: a folder with a comma or a quotation mark in its name cannot be mounted.`);
  return `type=bind,source=${source},target=${target}${isReadOnly ? ",readonly" : ""}`;
};
