import { hostname } from "node:os";
import { EnvironmentError } from "../../errors.js";
import { containerCli } from "../../server/containers/container-cli.js";
import { stopContainer } from "../../server/containers/stop-container.js";
import type { ServerRecord } from "../../server/detached/server-record.js";
import { stopDetachedProcess, type StopOutcome } from "../../server/detached/stop-detached-process.js";
import type { CommandContext } from "../command-context.js";

/**
 * Ends a server that was started, gracefully if it ends within `graceMs`.
 * @throws EnvironmentError if it cannot be ended from here
 */
export async function endServer(
  { environment }: CommandContext,
  { name, place }: ServerRecord,
  graceMs: number,
): Promise<StopOutcome> {
  if (place.kind === "process") return stopDetachedProcess(place.process, graceMs);
  if (place.host !== hostname()) throw new EnvironmentError(`${name} is a container of ${place.host}: stop it there.`);
  return stopContainer(containerCli(place.tool, environment), place.id, graceMs);
}
