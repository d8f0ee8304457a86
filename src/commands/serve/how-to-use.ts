import type { ServerRecord } from "../../server/detached/server-record.js";
import type { ServerReading } from "./read-server.js";

/** The lines to copy, after which a recipe runs on the server that was just started. */
export function howToUse({ tokenFile, tlsCa }: ServerRecord, { address, info }: ServerReading): string {
  const endpoint = { kind: "remote", address, ...(tlsCa === null ? {} : { tlsCa }) };
  const setting = info?.capabilities.includes("trainer")
    ? `server=${JSON.stringify(endpoint)}`
    : `server.samplers=${JSON.stringify([endpoint])}`;
  return [
    "To use it:",
    tokenFile === null
      ? "  # with DRPO_SERVER_TOKEN as it is set here"
      : `  export DRPO_SERVER_TOKEN="$(cat ${quoted(tokenFile)})"`,
    `  drpo train recipe.json --set ${quoted(setting)}`,
  ].join("\n");
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
