import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/** The proto's idempotency_level; undefined: the call must not be repeated. */
export type IdempotencyLevel = "NO_SIDE_EFFECTS" | "IDEMPOTENT" | undefined;

interface Codec<Message> {
  encode(message: Message): BinaryWriter;
  decode(input: BinaryReader | Uint8Array): Message;
}

interface MethodDefinition<Request, Response, Streams extends boolean> {
  readonly name: string;
  readonly requestType: Codec<Request>;
  readonly responseType: Codec<Response>;
  readonly responseStream: Streams;
  readonly options: { readonly idempotencyLevel?: "NO_SIDE_EFFECTS" | "IDEMPOTENT" };
}

/** One rpc as the plumbing needs it. */
export interface Method<Request, Response, Streams extends boolean> {
  /** For messages: "TrainerService.Forward". */
  readonly rpc: string;
  /** On the wire: "/drpo.v1.TrainerService/Forward". */
  readonly path: string;
  readonly idempotencyLevel: IdempotencyLevel;
  readonly responseStream: Streams;
  readonly serialize: (request: Request) => Buffer;
  readonly deserialize: (bytes: Buffer) => Response;
}

/** Makes a Method of ts-proto's generic definition, which unlike its grpc-js one carries the idempotency level. */
export const describeMethod = <Request, Response, Streams extends boolean>(
  service: { readonly name: string; readonly fullName: string },
  definition: MethodDefinition<Request, Response, Streams>,
): Method<Request, Response, Streams> => ({
  rpc: `${service.name}.${definition.name}`,
  path: `/${service.fullName}/${definition.name}`,
  idempotencyLevel: definition.options.idempotencyLevel,
  responseStream: definition.responseStream,
  serialize: (request) => Buffer.from(definition.requestType.encode(request).finish()),
  deserialize: (bytes) => definition.responseType.decode(bytes),
});
