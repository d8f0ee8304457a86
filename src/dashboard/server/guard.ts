import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isLoopbackHost } from "../../config/loopback-host.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Served without the token. A route that does not say this is closed. */
    readonly isPublic?: true;
  }
}

/** Config of a route that holds no data: the page's own files. */
export const PUBLIC = { config: { isPublic: true } } as const;

const HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export interface GuardOptions {
  /** Address that is listened on. */
  readonly host: string;
  /** Whoever wants data must send it; undefined: only this machine is served. */
  readonly token: string | undefined;
  /** Further names that the dashboard is reached by. */
  readonly allowedHosts: readonly string[];
  /** Content-Security-Policy. */
  readonly policy: string;
}

/**
 * Decides who is answered. It goes by the route that was matched, never by the address as it was written: an address has
 * many spellings. A page of another site may make a browser send requests (so Origin is checked), or let its own name
 * resolve to this machine (DNS rebinding: so Host is checked).
 */
export function guard(app: FastifyInstance, { token, policy, ...names }: GuardOptions): void {
  const secret = token === undefined ? undefined : digest(token);
  const isOwnName = ownNames(names, secret !== undefined);
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers({ ...HEADERS, "content-security-policy": policy });
    const named = request.headers.host ?? "";
    const foreign = [named, ...absoluteHost(request.raw)].find((name) => !isOwnName(name));
    if (foreign !== undefined) return refuse(reply, 403, foreignName(foreign, secret !== undefined));
    if (!isOwnPage(request, named)) return refuse(reply, 403, "Requests of other sites are not answered.");
    if (secret !== undefined && !isPublic(request) && !hasToken(request, secret)) {
      return refuse(reply, 401, "Give the token that the dashboard was started with ($DRPO_DASHBOARD_TOKEN).");
    }
  });
}

/** What no route matches is closed, too. */
const isPublic = ({ is404, routeOptions }: FastifyRequest): boolean => !is404 && routeOptions.config.isPublic === true;

/** The authority of an address in absolute form (GET http://HOST/...), which a server must take for the host. */
function absoluteHost({ url = "" }: IncomingMessage): readonly string[] {
  if (url.startsWith("/")) return [];
  return [/^https?:\/\/([^/?#\\@]*)(?=[/?#]|$)/i.exec(url)?.[1] ?? url];
}

/**
 * Whether a Host header names this dashboard; the port may be another one, that of a tunnel. With a token it may be
 * reached from elsewhere: by an address, which no foreign name can stand for, by the machine's name, or by a name that
 * was allowed.
 */
function ownNames(
  { host, allowedHosts }: Pick<GuardOptions, "host" | "allowedHosts">,
  hasToken: boolean,
): (named: string) => boolean {
  const known = new Set([host, ...allowedHosts, ...(hasToken ? [hostname()] : [])].map((name) => name.toLowerCase()));
  return (named) => {
    const name = named.replace(/:\d+$/, "").toLowerCase();
    const isAddress = isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0;
    return isLoopbackHost(name) || known.has(name) || (hasToken && isAddress);
  };
}

const foreignName = (named: string, hasToken: boolean): string =>
  hasToken
    ? `This dashboard is not served as "${named}". If that is a name of this machine, start it with --allow-host NAME.`
    : `This dashboard is served to this machine only, not as "${named}".`;

/** No page at all (a program asks), or a page that was served under the same name. A link may lead to the page itself. */
function isOwnPage(request: FastifyRequest, named: string): boolean {
  const { origin, "sec-fetch-site": site, "sec-fetch-mode": mode } = request.headers;
  if (origin !== undefined) return origin === `http://${named}` || origin === `https://${named}`;
  const isForeign = site === "cross-site" || site === "same-site";
  return !isForeign || (mode === "navigate" && isPublic(request));
}

function hasToken({ headers }: FastifyRequest, secret: Buffer): boolean {
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given), secret);
}

/** All digests have one length, so the comparison takes the same time for every token. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply => reply.code(status).send({ error });
