import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { RunFeed } from "../reading/run-feed.js";

/** A comment now and then shows both ends that the other is there. */
const HEARTBEAT_MS = 15_000;
/** A page that does not read is let go of; it comes back and gets all anew. */
const MOST_WAITING_BYTES = 8 << 20;

/** GET /api/events: server-sent events of the runs. The page reads them by fetch, so that the token is a header. */
export function serveEvents(app: FastifyInstance, feed: RunFeed): void {
  const open = new Set<ServerResponse>();
  app.get("/api/events", { exposeHeadRoute: false }, async (_request, reply) => {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), "content-type": "text/event-stream" });
    open.add(raw);
    // Written to when it had just gone: that it is closed is told below.
    raw.on("error", () => undefined);
    const heartbeat = setInterval(() => raw.write(": still here\n\n"), HEARTBEAT_MS);
    const closed = new Promise<void>((resolve) => raw.once("close", resolve));
    const stop = await feed.subscribe((event) => {
      raw.write(`data: ${JSON.stringify(event)}\n\n`);
      if (raw.writableLength > MOST_WAITING_BYTES) raw.destroy();
    });
    await closed;
    stop();
    clearInterval(heartbeat);
    open.delete(raw);
  });
  app.addHook("preClose", async () => {
    for (const raw of open) raw.destroy();
  });
}
