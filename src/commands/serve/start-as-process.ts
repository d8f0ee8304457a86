import { join, resolve } from "node:path";
import { startDetachedProcess } from "../../server/detached/start-detached-process.js";
import { moduleArguments, serverCommand } from "../../server/server-command.js";
import type { CommandContext } from "../command-context.js";
import { serverArguments } from "./server-options.js";
import type { Started, StartRequest } from "./start-request.js";

/** Starts a server as a process of this machine. */
export async function startAsProcess(context: CommandContext, request: StartRequest): Promise<Started> {
  const { options, folder, checkpointRoot, stageRoot, token, signal } = request;
  const log = join(folder, "server.log");
  const command = serverCommand(options, { ...context.environment, DRPO_SERVER_TOKEN: token });
  const { address, process } = await startDetachedProcess({
    ...command,
    args: [
      ...moduleArguments(options.processes),
      ...serverArguments(options, { host: options.host, port: options.port, checkpointRoot, stageRoot }),
    ],
    ...{ cwd: context.cwd, log, startTimeoutMs: options.startTimeout * 1000, signal },
  });
  const tlsCa = options.tlsCa === undefined ? null : resolve(context.cwd, options.tlsCa);
  return { address, place: { kind: "process", process, log }, tlsCa };
}
