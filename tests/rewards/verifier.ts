import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What came in a request. */
export interface VerifierRequest {
  readonly method: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly responses: readonly { prompt: string; response: string; ended: boolean; id?: string }[];
}

/** Answers a request; the socket is `answer.socket`. */
export type Handler = (request: VerifierRequest, answer: ServerResponse) => void;

export interface Verifier {
  readonly url: string;
  /** Requests so far, in the order in which they came. */
  readonly requests: readonly VerifierRequest[];
  /** Answers the next requests by these, one each, and those after them as the verifier does. */
  next(...handlers: readonly Handler[]): void;
  close(): Promise<void>;
}

export const answerJson = (answer: ServerResponse, value: unknown, status = 200): void => {
  answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
};

/** A verifier on 127.0.0.1 whose score is the length of a response, in letters. */
export async function startVerifier(): Promise<Verifier> {
  const requests: VerifierRequest[] = [];
  const queue: Handler[] = [];
  const scoreLengths: Handler = ({ responses }, answer) =>
    answerJson(answer, { scores: responses.map(({ response }) => response.length) });
  const server = createServer((incoming, answer) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Pick<VerifierRequest, "responses">;
      const request = { method: incoming.method, headers: incoming.headers, responses: body.responses };
      requests.push(request);
      (queue.shift() ?? scoreLengths)(request, answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/score`, requests },
    next: (...handlers) => void queue.push(...handlers),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
