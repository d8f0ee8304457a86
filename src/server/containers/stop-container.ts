import type { StopOutcome } from "../detached/stop-detached-process.js";
import type { ContainerCli } from "./container-cli.js";
import { containerState } from "./container-state.js";

/** What docker reports of a process that SIGKILL ended. */
const KILLED = 137;

/** Ends a server's container, SIGTERM first, and removes it. @throws EnvironmentError if the tool fails */
export async function stopContainer(cli: ContainerCli, id: string, graceMs: number): Promise<StopOutcome> {
  const before = await containerState(cli, id);
  if (before === null) return "gone";
  if (before.isRunning) await cli.ask(["stop", "-t", String(Math.ceil(graceMs / 1000)), id]);
  const after = await containerState(cli, id);
  await cli.ask(["rm", "--force", id]);
  if (!before.isRunning) return "gone";
  return after?.exitCode === KILLED ? "killed" : "stopped";
}
