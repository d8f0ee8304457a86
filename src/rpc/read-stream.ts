import type { ServiceError } from "@grpc/grpc-js";
import { guardCall } from "./call-guard.js";
import type { Part, Streamed } from "./call-stream.js";
import type { AttemptOptions } from "./call-unary.js";
import type { Channel } from "./channel.js";
import { fromGrpcError } from "./grpc-error.js";
import type { Method } from "./method.js";

/**
 * One attempt of a call with a stream of answers that are too many to be kept: each part is handed on as it comes, and
 * the next one is asked for when that is done. Progress is only a sign of life.
 * @throws what grpc-error.ts makes of a failure, and what `onPart` throws.
 */
export const readStream = async <Request, Response extends Streamed>(
  channel: Channel,
  method: Method<Request, Response, true>,
  call: { readonly request: Request; readonly onPart: (part: Part<Response>) => Promise<void> },
  { signal, silenceTimeoutMs, clock }: AttemptOptions,
): Promise<void> => {
  const { path, serialize, deserialize, rpc } = method;
  const stream = channel.client.makeServerStreamRequest(path, serialize, deserialize, call.request, channel.metadata);
  const guard = guardCall({ cancel: () => stream.cancel(), signal, silenceTimeoutMs, clock });
  try {
    for await (const { update } of stream as AsyncIterable<Response>) {
      guard.heard();
      if (update !== undefined && update.$case !== "progress") await call.onPart(update.value);
    }
  } catch (error) {
    if (!isServiceError(error)) throw error;
    throw fromGrpcError(error, { rpc, address: channel.address, silenceTimeoutMs, stopped: guard.release() });
  } finally {
    guard.release();
    stream.cancel();
  }
};

const isServiceError = (error: unknown): error is ServiceError =>
  typeof error === "object" && error !== null && "code" in error && "details" in error && "metadata" in error;
