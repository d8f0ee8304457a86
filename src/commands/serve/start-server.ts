import { randomBytes } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { tryLock } from "../../durable-files/process-lock.js";
import { makeFolder, refuseUnwritable } from "../../durable-files/writable-folder.js";
import { BadInputError } from "../../errors.js";
import type { ServerRecord } from "../../server/detached/server-record.js";
import type { ServerRecords } from "../../server/detached/server-records.js";
import type { CommandContext } from "../command-context.js";
import { moveIntoContainer } from "./move-into-container.js";
import { readServer, type ServerReading } from "./read-server.js";
import { startAsProcess } from "./start-as-process.js";
import { startInContainer } from "./start-in-container.js";
import type { StartOptions } from "./start-request.js";
import { placeState, startedServers } from "./started-servers.js";
import { endServer } from "./end-server.js";

/**
 * Starts a server, and remembers it.
 * @throws BadInputError if the name or the checkpoint root is in use, or an option makes no sense here;
 * EnvironmentError if the server does not come to serve; InterruptedError. Nothing then goes on.
 */
export async function startServer(
  context: CommandContext,
  request: { readonly name: string; readonly options: StartOptions; readonly signal: AbortSignal },
): Promise<{ readonly record: ServerRecord; readonly reading: ServerReading }> {
  const { name, options, signal } = request;
  refuseConflicts(options);
  if (options.container !== undefined) moveIntoContainer(options, context.cwd);
  const records = startedServers(context);
  const own = (kind: string) => join("drpo-server", name, kind);
  const checkpointRoot = resolve(context.cwd, options.checkpointRoot ?? own("checkpoints"));
  const stageRoot = resolve(context.cwd, options.stageRoot ?? own("stages"));
  const roots = [
    { path: checkpointRoot, what: "checkpoints", remedy: "name another with --checkpoint-root", isArgument: true },
    { path: stageRoot, what: "stages", remedy: "name another with --stage-root", isArgument: true },
  ];
  await refuseUnwritable(roots);
  const folder = await records.prepare(name);
  const lock = await tryLock(join(folder, "lock"));
  if ("holder" in lock)
    throw new BadInputError(
      `${name} is just being started by process ${lock.holder.process.pid}. Wait, or choose another name.`,
    );
  try {
    await refuseTaken(context, records, { name, checkpointRoot });
    for (const root of roots) await makeFolder(root);
    const { token, tokenFile } = await tokenFor(context, folder);
    context.stderr.write(`Starting ${name} ...\n`);
    const start = options.container === undefined ? startAsProcess : startInContainer;
    const started = await start(context, { name, options, folder, checkpointRoot, stageRoot, token, signal });
    const record = { name, ...started, checkpointRoot, stageRoot, tokenFile, startedAt: new Date().toISOString() };
    try {
      await records.write(record);
      return { record, reading: await readServer(context, record, { mustServe: true, signal }) };
    } catch (error) {
      await endServer(context, record, 0);
      await records.remove(name);
      throw error;
    }
  } finally {
    await lock.lock.release();
  }
}

/** Options that would be ignored are refused. */
function refuseConflicts(options: StartOptions): void {
  const { container, image, bases, host, tlsCert, tlsKey, tlsCa, python } = options;
  const refuse = (message: string): never => {
    throw new BadInputError(message);
  };
  if (container === undefined && (image ?? bases) !== undefined)
    refuse(
      `${image === undefined ? "--bases" : "--image"} is for --container docker or podman: add it, or leave that out.`,
    );
  if (container !== undefined && python !== undefined)
    refuse("--python: a container has its own interpreter. Leave one of the two out.");
  if (container !== undefined && host !== "127.0.0.1")
    refuse(`--host ${host}: a container's port is published on 127.0.0.1 alone. For other machines use compose.yaml.`);
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    refuse("--tls-cert and --tls-key belong together: give both or neither.");
  if ((tlsCert === undefined) !== (tlsCa === undefined))
    refuse("--tls-ca goes with --tls-cert: it is what clients, and the check that it serves, trust.");
}

async function refuseTaken(
  context: CommandContext,
  records: ServerRecords,
  { name, checkpointRoot }: { readonly name: string; readonly checkpointRoot: string },
): Promise<void> {
  for (const other of await records.list()) {
    const isSame = other.name === name;
    if (!isSame && other.checkpointRoot !== checkpointRoot) continue;
    const state = await placeState(context, other);
    if (state === "ended") {
      // A container that has ended still holds its name.
      if (isSame) await endServer(context, other, 0);
      continue;
    }
    const where = state === "elsewhere" ? "on another machine" : `on ${other.address}`;
    throw new BadInputError(
      isSame
        ? `${name} runs already, ${where}. Stop it with drpo serve stop ${name}, or choose another name.`
        : `${checkpointRoot} belongs to the server ${other.name}, which runs ${where}: two servers must not share it. Choose ` +
            `another --checkpoint-root.`,
    );
  }
}

/** The user's own token, or a fresh one in a file that only the user can read. */
async function tokenFor(
  { environment }: CommandContext,
  folder: string,
): Promise<{ readonly token: string; readonly tokenFile: string | null }> {
  const own = environment["DRPO_SERVER_TOKEN"];
  if (own) return { token: own, tokenFile: null };
  const [token, tokenFile] = [randomBytes(32).toString("base64url"), join(folder, "token")];
  await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
  await chmod(tokenFile, 0o600);
  return { token, tokenFile };
}
