import { isPackaged, packagedFile } from "../config/packaged-file.js";
import { EnvironmentError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";
import type { ServerInfo } from "../ports/model-store.js";
import { SCHEMA_HASH } from "../proto-gen/schema-hash.js";
import type { Caller } from "./caller.js";
import { getServerInfo, toServerInfo } from "./model-store.js";

/**
 * Asks the server what it is, and makes sure that both sides were generated from the same proto.
 * @throws EnvironmentError naming both hashes if they were not.
 */
export const shakeHands = async (caller: Caller, options?: CallOptions): Promise<ServerInfo> => {
  const info = await caller.unary(getServerInfo, {}, options);
  if (info.schemaHash !== SCHEMA_HASH) {
    const generate = "scripts/generate-proto";
    const afterChange = isPackaged(generate)
      ? `; after a change of the proto, run ${packagedFile(generate)} and restart the server`
      : "";
    throw new EnvironmentError(
      `The server at ${caller.address} (version ${info.serverVersion || "unknown"}) speaks schema ${info.schemaHash || "none"}, this ` +
        `drpo speaks ${SCHEMA_HASH}. Install the same version on both sides${afterChange}.`,
    );
  }
  return toServerInfo(info);
};
