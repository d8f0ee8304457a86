import type { AddressInfo } from "node:net";
import { join } from "node:path";
import fastify, { type FastifyInstance } from "fastify";
import { isLoopbackHost } from "../../config/loopback-host.js";
import { fileErrorCode } from "../../durable-files/file-error.js";
import { BadInputError, EnvironmentError } from "../../errors.js";
import type { Overview } from "../api.js";
import type { ResetHere } from "../reset-here.js";
import { RunFeed } from "../reading/run-feed.js";
import { RunLibrary } from "../reading/run-library.js";
import { answerErrors } from "./answer-errors.js";
import { serveEvents } from "./events.js";
import { guard, PUBLIC } from "./guard.js";
import { type PageFiles, readPageFiles } from "./page-files.js";
import { serveResetHere } from "./reset-route.js";
import { serveRuns } from "./run-routes.js";

const POLL_MS = 2_000;
const MOST_BODY_BYTES = 64 << 10;

export interface DashboardOptions {
  /** Folder of runs, or of one run; absolute. */
  readonly root: string;
  /** The same as a person would type it. */
  readonly shownRoot: string;
  readonly version: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** $DRPO_DASHBOARD_TOKEN. */
  readonly token?: string | undefined;
  /** Further names that it is reached by, such as that of a proxy; without a port. */
  readonly allowedHosts?: readonly string[];
  /** Null: the page says how to start the dashboard with a model server. */
  readonly resetHere: ResetHere | null;
  /** Where the compiled page is; beside this file, after a build. */
  readonly pageFolder?: string;
  readonly pollMs?: number;
  /** Told how many bytes of run directories were read. */
  readonly onRead?: (bytes: number) => void;
}

export interface Dashboard {
  /** http://HOST:PORT */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves the dashboard until it is closed.
 * @throws BadInputError if it would be open to others without a token; EnvironmentError if the port is in use or the page
 * is not built
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { root, host, port, token, resetHere, pollMs = POLL_MS } = options;
  if (!isLoopbackHost(host) && !token) {
    throw new BadInputError(
      `--host ${host} would show the runs to everybody who reaches it. Set a token, which the page then asks for: ` +
        "DRPO_DASHBOARD_TOKEN=... drpo dashboard; or leave out --host, and use a tunnel (ssh -L).",
    );
  }
  if (token) checkToken(token);
  const page = await readPageFiles(options.pageFolder ?? join(import.meta.dirname, "../browser"));
  const library = new RunLibrary(root, options.onRead);
  const feed = new RunFeed(library, pollMs);
  const app = fastify({ logger: false, bodyLimit: MOST_BODY_BYTES, forceCloseConnections: true });
  guard(app, { host, token: token || undefined, allowedHosts: options.allowedHosts ?? [], policy: page.policy });
  answerErrors(app);
  const overview = overviewOf(options);
  servePage(app, page);
  serveRuns(app, library, overview);
  serveEvents(app, feed);
  serveResetHere(app, library, resetHere, overview.resetHint);
  app.addHook("onClose", () => feed.close());
  await listen(app, host, port);
  return { address: addressOf(app, host), close: () => app.close() };
}

/** @throws BadInputError for a token that no browser can send. */
function checkToken(token: string): void {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(token)) return;
  throw new BadInputError(
    "$DRPO_DASHBOARD_TOKEN has characters that a browser cannot send as a token, or a space at its start or end. Use " +
      "letters, digits and punctuation of ASCII.",
  );
}

const overviewOf = ({ shownRoot, version, resetHere }: DashboardOptions): Overview => ({
  ...{ folder: shownRoot, version, canReset: resetHere !== null },
  resetHint: `Start the dashboard with a model server: drpo dashboard ${shownRoot} --server`,
});

function servePage(app: FastifyInstance, { index, files }: PageFiles): void {
  for (const [url, { type, content }] of files)
    app.get(url, PUBLIC, (_request, reply) => reply.type(type).send(content));
  // The page itself reads the rest of the address.
  for (const url of ["/", "/runs/*", "/compare"]) {
    app.get(url, PUBLIC, (_request, reply) => reply.type(index.type).send(index.content));
  }
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const why: Readonly<Record<string, string>> = {
      EADDRINUSE: "the port is in use: choose another one with --port, or any free one with --port 0",
      EACCES: "permission is denied: choose a port above 1023",
      EADDRNOTAVAIL: "this machine has no such address: check --host",
      ENOTFOUND: "no such host is known: check --host",
    };
    const known = why[fileErrorCode(cause) ?? ""];
    throw known === undefined
      ? cause
      : new EnvironmentError(`The dashboard cannot listen on ${host}:${port}, ${known}.`, { cause });
  }
}

function addressOf(app: FastifyInstance, host: string): string {
  const { port } = app.server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host}:${port}`;
}
