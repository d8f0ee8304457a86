import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ChatRequest {
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly [field: string]: unknown;
  };
}

export type Handler = (request: ChatRequest, answer: ServerResponse) => void;

export interface ChatServer {
  /** Of the API: ".../v1". */
  readonly url: string;
  /** Requests so far, in the order in which they came. */
  readonly requests: readonly ChatRequest[];
  /** Answers the next requests by these, one each, and those after them as always. */
  next(...handlers: readonly Handler[]): void;
  /** From now on. */
  always(handler: Handler): void;
  /** Resolves when so many requests have come. */
  reaches(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A test's template, and what it asks: the two responses as they were shown. */
export const TEMPLATE = "Prompt: {prompt}\nA: {responseA}\nB: {responseB}";
export function shownIn({ body }: ChatRequest): { readonly a: string; readonly b: string } {
  const [, a, b] = /^A: (.*)\nB: (.*)$/m.exec(body.messages[0]!.content)!;
  return { a: a!, b: b! };
}

export const says =
  (text: string): Handler =>
  (_, answer) =>
    answer.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({
        model: "judge-0613",
        choices: [{ message: { role: "assistant", content: text }, finish_reason: "stop" }],
        usage: { prompt_tokens: 7, completion_tokens: 3 },
      }),
    );
export const fails =
  (status: number, headers: Record<string, string> = {}, body = ""): Handler =>
  (_, answer) =>
    void answer.writeHead(status, headers).end(body);

/** The longer response is better; as long: A, whatever it is. */
export const prefersTheLonger: Handler = (request, answer) => {
  const { a, b } = shownIn(request);
  says(`Comparison: one is longer.\nPreferred: ${a.length >= b.length ? "A" : "B"}`)(request, answer);
};

/** A chat-completions endpoint on 127.0.0.1 that prefers the longer response. */
export async function startChatServer(): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const queue: Handler[] = [];
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  let otherwise = prefersTheLonger;
  const server = createServer((incoming, answer) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as ChatRequest["body"];
      const request = { path: incoming.url, headers: incoming.headers, body };
      requests.push(request);
      (queue.shift() ?? otherwise)(request, answer);
      for (const one of waiting) if (requests.length >= one.count) one.resolve();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/v1`, requests },
    next: (...handlers) => void queue.push(...handlers),
    always: (handler) => void (otherwise = handler),
    reaches: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve();
        else waiting.add({ count, resolve });
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
