import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A relay of TCP connections whose first ones break after some bytes, as a bad network does. */
export interface BreakingProxy {
  readonly address: string;
  /** Connections that broke. */
  readonly broken: number;
  close(): Promise<void>;
}

/** @param breakAfter bytes from the server after which the first, second ... connection breaks; later ones hold */
export async function startBreakingProxy(target: string, breakAfter: readonly number[]): Promise<BreakingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let broken = 0;
  const [host, port] = target.split(":");
  const listener = createServer((client) => {
    let left = breakAfter[connections++] ?? Infinity;
    const server = connect(Number(port), host);
    const breakBoth = () => [client, server].forEach((socket) => socket.destroy());
    for (const socket of [client, server]) sockets.add(socket.on("error", breakBoth).on("close", breakBoth));
    client.on("data", (data) => server.write(data));
    server.on("data", (data) => {
      client.write(data);
      left -= data.length;
      if (left >= 0) return;
      broken++;
      breakBoth();
    });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    address: `127.0.0.1:${(listener.address() as { port: number }).port}`,
    get broken() {
      return broken;
    },
    async close() {
      sockets.forEach((socket) => socket.destroy());
      listener.close();
      await once(listener, "close");
    },
  };
}
