import { relative, resolve } from "node:path";
import { isLoopbackHost } from "../../config/loopback-host.js";
import { BadInputError } from "../../errors.js";
import { IN_CONTAINER, type Mount } from "../../server/containers/container-arguments.js";
import type { ServerOptions } from "./server-options.js";
import type { StartOptions } from "./start-request.js";
import { isAddress } from "./started-servers.js";

export const mount = (
  source: string,
  target: string,
  { isReadOnly = true }: { readonly isReadOnly?: boolean } = {},
): Mount => ({
  ...{ source, target, isReadOnly },
});

/**
 * The options with the paths that the container sees, and what must be mounted for that.
 * @throws BadInputError for a path or an address that means nothing there
 */
export function moveIntoContainer(
  options: StartOptions,
  cwd: string,
): { readonly moved: ServerOptions; readonly mounts: readonly Mount[] } {
  const bases = options.bases === undefined ? undefined : resolve(cwd, options.bases);
  const mounts: Mount[] = bases === undefined ? [] : [mount(bases, IN_CONTAINER.bases)];
  const base = (path: string, option: string): string => {
    if (path.startsWith(`${IN_CONTAINER.bases}/`)) return path;
    const below = bases === undefined ? ".." : relative(bases, resolve(cwd, path));
    if (below === "" || below.startsWith(".."))
      throw new BadInputError(
        `${option} ${path}: name the folder that it is in by --bases, so that the container sees it.`,
      );
    return `${IN_CONTAINER.bases}/${below}`;
  };
  const moved: ServerOptions = {
    ...options,
    ...(options.base === undefined ? {} : { base: base(options.base, "--base") }),
    preload: (options.preload ?? []).map((path) => base(path, "--preload")),
  };
  return { moved: { ...moved, ...moveWeights(options, cwd, mounts) }, mounts };
}

/** @param mounts added to */
function moveWeights(
  { weightsFrom, weightsTlsCa }: ServerOptions,
  cwd: string,
  mounts: Mount[],
): Pick<ServerOptions, "weightsFrom" | "weightsTlsCa"> {
  const moved: { weightsFrom?: string; weightsTlsCa?: string } = {};
  if (weightsFrom !== undefined && isAddress(weightsFrom)) {
    if (isLoopbackHost(weightsFrom.replace(/:\d+$/, "")))
      throw new BadInputError(
        `--weights-from ${weightsFrom}: in a container that is the container itself. Name the trainer as it can be reached from there.`,
      );
    moved.weightsFrom = weightsFrom;
  } else if (weightsFrom !== undefined) {
    mounts.push(mount(resolve(cwd, weightsFrom), IN_CONTAINER.published));
    moved.weightsFrom = IN_CONTAINER.published;
  }
  if (weightsTlsCa !== undefined) {
    mounts.push(mount(resolve(cwd, weightsTlsCa), IN_CONTAINER.weightsCa));
    moved.weightsTlsCa = IN_CONTAINER.weightsCa;
  }
  return moved;
}
