import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { processState } from "../../durable-files/process-identity.js";
import { BadInputError } from "../../errors.js";
import { containerCli } from "../../server/containers/container-cli.js";
import { containerState } from "../../server/containers/container-state.js";
import type { ServerRecord } from "../../server/detached/server-record.js";
import { defaultStateDirectory, type ServerRecords, serverRecords } from "../../server/detached/server-records.js";
import type { CommandContext } from "../command-context.js";
import { homeFolder } from "../home-folder.js";

/** What `drpo serve start` remembers. */
export const startedServers = ({ environment }: CommandContext): ServerRecords =>
  serverRecords(defaultStateDirectory(environment, homeFolder(environment, ["DRPO_STATE_DIR", "XDG_STATE_HOME"])));

/** The name of a server that is given none. */
export const DEFAULT_NAME = "default";

/** True for HOST:PORT: a server that was not started here, or that is spoken of as if. */
export const isAddress = (nameOrAddress: string): boolean => /:\d+$/.test(nameOrAddress);

/** @throws BadInputError if there is none of this name, naming those that there are */
export async function findStarted(context: CommandContext, name: string): Promise<ServerRecord> {
  const records = startedServers(context);
  const record = await records.read(name);
  if (record !== null) return record;
  const others = (await records.list()).map((other) => other.name);
  throw new BadInputError(
    `No server ${name} was started here. ` +
      (others.length > 0
        ? `There is ${others.join(", ")}: see drpo serve status.`
        : `Start it: drpo serve start ${name === DEFAULT_NAME ? "" : name}`.trimEnd() + "."),
  );
}

/** Where calls to a server of this machine go, also if it listens on all addresses. */
export const clientAddress = (address: string): string => address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, "127.0.0.1");

/** "elsewhere": on another machine that shares this home folder, where we cannot look. */
export type PlaceState = "running" | "ended" | "elsewhere";

/** Whether a server's process or container is there; a pid that became another program's is not. */
export async function placeState({ environment }: CommandContext, { place }: ServerRecord): Promise<PlaceState> {
  if (place.kind === "process")
    return ({ alive: "running", dead: "ended", unknown: "elsewhere" } as const)[await processState(place.process)];
  if (place.host !== hostname()) return "elsewhere";
  const state = await containerState(containerCli(place.tool, environment), place.id);
  return state?.isRunning === true ? "running" : "ended";
}

/** The token of a server's calls. */
export async function tokenOf(
  { environment }: CommandContext,
  { tokenFile }: ServerRecord,
): Promise<string | undefined> {
  if (tokenFile === null) return environment["DRPO_SERVER_TOKEN"];
  return (await readFile(tokenFile, "utf8")).trim();
}
