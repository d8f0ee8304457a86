import { status } from "@grpc/grpc-js";

/** A refusal with its gRPC status. */
export class ServiceError extends Error {
  constructor(
    readonly code: status,
    readonly details: string,
  ) {
    super(details);
    this.name = "ServiceError";
  }
}

export const invalid = (details: string): ServiceError => new ServiceError(status.INVALID_ARGUMENT, details);
export const notFound = (details: string): ServiceError => new ServiceError(status.NOT_FOUND, details);
export const refused = (details: string): ServiceError => new ServiceError(status.FAILED_PRECONDITION, details);
export const unimplemented = (details: string): ServiceError => new ServiceError(status.UNIMPLEMENTED, details);
