import type { CallOptions } from "../ports/call-options.js";
import { guardCall } from "./call-guard.js";
import type { Channel } from "./channel.js";
import type { Clock } from "../ports/clock.js";
import { fromGrpcError } from "./grpc-error.js";
import type { Method } from "./method.js";

export interface AttemptOptions extends CallOptions {
  readonly silenceTimeoutMs: number;
  readonly clock: Clock;
}

/** One attempt of a call with one answer. @throws what grpc-error.ts makes of a failure. */
export const callUnary = <Request, Response>(
  channel: Channel,
  method: Method<Request, Response, false>,
  request: Request,
  { signal, silenceTimeoutMs, clock }: AttemptOptions,
): Promise<Response> =>
  new Promise((resolve, reject) => {
    const call = channel.client.makeUnaryRequest(
      method.path,
      method.serialize,
      method.deserialize,
      request,
      channel.metadata,
      {},
      (failure, response) => {
        const stopped = guard.release();
        if (failure)
          reject(fromGrpcError(failure, { rpc: method.rpc, address: channel.address, silenceTimeoutMs, stopped }));
        else resolve(response as Response);
      },
    );
    const guard = guardCall({ cancel: () => call.cancel(), signal, silenceTimeoutMs, clock });
  });
