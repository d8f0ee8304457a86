import type { ServiceError } from "@grpc/grpc-js";
import type { Progress } from "../proto-gen/drpo/v1/common.js";
import { guardCall } from "./call-guard.js";
import type { AttemptOptions } from "./call-unary.js";
import type { Channel } from "./channel.js";
import { fromGrpcError } from "./grpc-error.js";
import type { Method } from "./method.js";

/** The shape of every streamed answer: how far it is, or a part of what was asked for. */
export interface Streamed {
  readonly update:
    | { readonly $case: "progress"; readonly value: Progress }
    | { readonly $case: string; readonly value: unknown }
    | undefined;
}

/** What a stream carries besides progress. */
export type Part<Response extends Streamed> = Exclude<
  NonNullable<Response["update"]>,
  { readonly $case: "progress" }
>["value"];

/**
 * One attempt of a call with a stream of answers; each of them is a sign of life.
 * @returns the parts in the order of their arrival. @throws what grpc-error.ts makes of a failure.
 */
export const callStream = <Request, Response extends Streamed>(
  channel: Channel,
  method: Method<Request, Response, true>,
  request: Request,
  { signal, onProgress, silenceTimeoutMs, clock }: AttemptOptions,
): Promise<Part<Response>[]> =>
  new Promise((resolve, reject) => {
    const parts: Part<Response>[] = [];
    const stream = channel.client.makeServerStreamRequest(
      method.path,
      method.serialize,
      method.deserialize,
      request,
      channel.metadata,
    );
    const guard = guardCall({ cancel: () => stream.cancel(), signal, silenceTimeoutMs, clock });
    const reportProgress = (progress: Progress) => {
      try {
        onProgress?.(Number(progress.done), Number(progress.total));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        stream.cancel();
      }
    };
    stream.on("data", ({ update }: Response) => {
      guard.heard();
      if (update === undefined) return;
      if (!isProgress(update)) parts.push(update.value);
      else if (onProgress) reportProgress(update.value);
    });
    // grpc-js emits a failure before the end of the stream, so an end that comes first is a success.
    stream.on("error", (failure: ServiceError) => {
      const stopped = guard.release();
      reject(fromGrpcError(failure, { rpc: method.rpc, address: channel.address, silenceTimeoutMs, stopped }));
    });
    stream.on("end", () => {
      guard.release();
      resolve(parts);
    });
  });

const isProgress = (update: NonNullable<Streamed["update"]>): update is { $case: "progress"; value: Progress } =>
  update.$case === "progress";
