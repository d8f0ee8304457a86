import { resolve } from "node:path";
import type { ServerInfo } from "../../ports/model-store.js";
import type { CommandContext } from "../command-context.js";
import { clientAddress, findStarted, isAddress, tokenOf } from "../serve/started-servers.js";

/** What is needed to call a server. */
export interface LocatedServer {
  readonly address: string;
  readonly token: string | undefined;
  readonly tlsCa: string | undefined;
}

/** A server that answered, and the base to ask it about. */
export interface KnownServer extends LocatedServer {
  readonly info: ServerInfo;
  /** Folder on the server; null: it has loaded none, and none was named. */
  readonly base: string | null;
}

/** A server by its address, or by the name that `drpo serve start` gave it. @throws BadInputError for an unknown name */
export async function locateServer(
  context: CommandContext,
  nameOrAddress: string,
  options: { readonly tlsCa?: string },
): Promise<LocatedServer> {
  if (isAddress(nameOrAddress)) {
    const tlsCa = options.tlsCa === undefined ? undefined : resolve(context.cwd, options.tlsCa);
    return { address: nameOrAddress, token: context.environment["DRPO_SERVER_TOKEN"], tlsCa };
  }
  const record = await findStarted(context, nameOrAddress);
  const { address, tlsCa } = record;
  return { address: clientAddress(address), token: await tokenOf(context, record), tlsCa: tlsCa ?? undefined };
}
