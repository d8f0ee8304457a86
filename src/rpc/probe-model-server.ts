import type { CallOptions } from "../ports/call-options.js";
import type { ServerInfo } from "../ports/model-store.js";
import type { StoredFiles } from "../ports/stored-files.js";
import { createCaller } from "./caller.js";
import { openChannel } from "./channel.js";
import type { ConnectOptions } from "./connect-model-server.js";
import { shakeHands } from "./handshake.js";
import { getServerInfo, toServerInfo } from "./model-store.js";
import { createStoredFiles } from "./stored-files.js";

/** A connection that looks and touches nothing: for `drpo doctor` and `drpo serve`. */
export interface ServerProbe {
  readonly info: ServerInfo;
  /** Asks again, for the memory that is free now. */
  serverInfo(options?: CallOptions): Promise<ServerInfo>;
  readonly files: StoredFiles;
  close(): void;
}

/** Connects and compares schemas, without acquiring a run. @throws as connectModelServer. */
export const probeModelServer = async (options: ConnectOptions): Promise<ServerProbe> => {
  const channel = openChannel(options);
  const close = () => channel.client.close();
  try {
    const caller = createCaller(channel, options);
    const info = await shakeHands(caller, { signal: options.signal });
    const serverInfo = async (callOptions?: CallOptions) =>
      toServerInfo(await caller.unary(getServerInfo, {}, callOptions));
    return { info, serverInfo, files: createStoredFiles(caller), close };
  } catch (error) {
    close();
    throw error;
  }
};
