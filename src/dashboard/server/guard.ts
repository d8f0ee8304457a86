import { createHash, timingSafeEqual } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isLoopbackHost } from "../../config/loopback-host.js";

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
  /** Content-Security-Policy. */
  readonly policy: string;
}

/**
 * Who is answered. A page of another site may make a browser ask (so Origin is checked), or let its name point here
 * (DNS rebinding: so Host is checked, unless a token guards the data, which no other page has).
 */
export function guard(app: FastifyInstance, { host, token, policy }: GuardOptions): void {
  const secret = token === undefined ? undefined : digest(token);
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers({ ...HEADERS, "content-security-policy": policy });
    const named = request.headers.host ?? "";
    if (secret === undefined && !isOwnName(named, host)) {
      return refuse(reply, 403, `This dashboard is served to this machine only, not as "${named}".`);
    }
    if (!isOwnPage(request, named)) return refuse(reply, 403, "Requests of other sites are not answered.");
    if (secret !== undefined && request.url.startsWith("/api/") && !hasToken(request, secret)) {
      return refuse(reply, 401, "Give the token that the dashboard was started with ($DRPO_DASHBOARD_TOKEN).");
    }
  });
}

/** The port may be another one, that of a tunnel. */
function isOwnName(named: string, host: string): boolean {
  const name = named.replace(/:\d+$/, "").toLowerCase();
  return isLoopbackHost(name) || name === host.toLowerCase();
}

/** No page at all (a program asks), or a page that was served under the same name. */
function isOwnPage({ headers }: FastifyRequest, named: string): boolean {
  const { origin } = headers;
  if (origin !== undefined) return origin === `http://${named}` || origin === `https://${named}`;
  return (
    !["cross-site", "same-site"].includes(String(headers["sec-fetch-site"])) || headers["sec-fetch-mode"] === "navigate"
  );
}

function hasToken({ headers }: FastifyRequest, secret: Buffer): boolean {
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given), secret);
}

/** Of one length for all tokens, so that a comparison tells nothing. */
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply => reply.code(status).send({ error });
