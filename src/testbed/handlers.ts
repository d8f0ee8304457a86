import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import type { CallPlan, FaultPlans } from "./faults.js";
import { ServiceError } from "./service-error.js";

/** What every call passes before its work. */
export interface Gate {
  readonly faults: FaultPlans;
  /** Bearer token that a call must carry; undefined: any may call. */
  readonly token: string | undefined;
}

type Update<Part> = {
  readonly update:
    { readonly $case: "progress"; readonly value: { readonly done: bigint; readonly total: bigint } } | Part;
};

/** A call with one answer. @param rpc its name in the proto */
export const unary =
  <Request, Response>(
    gate: Gate,
    rpc: string,
    work: (request: Request) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> =>
  (call, callback) => {
    void pass(
      gate,
      rpc,
      call,
      () => undefined,
      async () => work(call.request),
    ).then(
      (response) => callback(null, response),
      (error: unknown) => callback(toStatus(error)),
    );
  };

/** A call that streams progress and then the parts of its answer. */
export const streaming =
  <Request, Part>(
    gate: Gate,
    rpc: string,
    work: (request: Request) => readonly Part[] | Promise<readonly Part[]>,
  ): handleServerStreamingCall<Request, Update<Part>> =>
  (call) => {
    const sendProgress = (done: number, total: number) =>
      call.write({ update: { $case: "progress", value: { done: BigInt(done), total: BigInt(total) } } });
    const send = (parts: readonly Part[]) => {
      for (const [i, part] of parts.entries()) {
        call.write({ update: part });
        sendProgress(i + 1, parts.length);
      }
      call.end();
    };
    void pass(gate, rpc, call, sendProgress, async () => work(call.request)).then(send, (error: unknown) =>
      call.emit("error", toStatus(error)),
    );
  };

const pass = async <Response>(
  gate: Gate,
  rpc: string,
  call: ServerUnaryCall<never, never> | ServerWritableStream<never, never> | AnyCall,
  sendProgress: (done: number, total: number) => void,
  work: () => Promise<Response>,
): Promise<Response> => {
  const plan: CallPlan = gate.faults.take(rpc);
  authorise(gate, call.metadata);
  if (plan && "wait" in plan) {
    const end = await plan.wait({ sendProgress, onCancelled: (listener) => void call.on("cancelled", listener) });
    if (end === "cancelled") throw new ServiceError(status.CANCELLED, "the client went away");
  }
  const fault = plan && "code" in plan ? plan : undefined;
  if (fault?.when === "before") throw new ServiceError(fault.code, "injected before the work");
  const response = await work();
  if (fault?.when === "after") throw new ServiceError(fault.code, "injected after the work");
  return response;
};

interface AnyCall {
  readonly metadata: Metadata;
  on(event: "cancelled", listener: () => void): unknown;
}

const authorise = ({ token }: Gate, metadata: Metadata): void => {
  if (token === undefined || metadata.get("authorization")[0] === `Bearer ${token}`) return;
  throw new ServiceError(status.UNAUTHENTICATED, "the call does not carry the server's token");
};

const toStatus = (error: unknown): { readonly code: status; readonly details: string } =>
  error instanceof ServiceError ? error : { code: status.INTERNAL, details: String(error) };
