import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import {
  BadInputError,
  CorruptStateError,
  DrpoError,
  EnvironmentError,
  FencedOffError,
  InterruptedError,
  NotOnServerError,
  ServerUnavailableError,
  SilentServerError,
} from "../../src/errors.js";
import { fromGrpcError } from "../../src/rpc/grpc-error.js";

const context = { rpc: "TrainerService.Forward", address: "127.0.0.1:5", silenceTimeoutMs: 1500 };
const fail = (code: status, stopped?: "interrupted" | "silent") =>
  fromGrpcError({ code, details: "why" }, { ...context, stopped });

test.each([
  [status.UNAVAILABLE, ServerUnavailableError],
  [status.CANCELLED, ServerUnavailableError],
  [status.FAILED_PRECONDITION, FencedOffError],
  [status.NOT_FOUND, NotOnServerError],
  [status.DATA_LOSS, CorruptStateError],
  [status.INVALID_ARGUMENT, BadInputError],
  [status.ALREADY_EXISTS, BadInputError],
  [status.RESOURCE_EXHAUSTED, EnvironmentError],
  [status.UNAUTHENTICATED, EnvironmentError],
  [status.UNIMPLEMENTED, EnvironmentError],
  [status.INTERNAL, EnvironmentError],
  [status.UNKNOWN, EnvironmentError],
])("status %s", (code, ErrorOfStatus) => {
  const error = fail(code);
  expect(error.constructor).toBe(ErrorOfStatus);
  expect(error.message).toContain("TrainerService.Forward at 127.0.0.1:5: why");
  expect(error.message).toContain(status[code]);
});

test("every status is an error of this project", () => {
  for (const code of Object.values(status)) {
    if (typeof code === "number") expect(fail(code)).toBeInstanceOf(DrpoError);
  }
});

describe("when the client itself ended the call", () => {
  test("on the user's wish: interrupted, resumable", () => {
    expect(fail(status.CANCELLED, "interrupted")).toBeInstanceOf(InterruptedError);
  });

  test("after silence: not retryable, as the server hangs; the time and the option are named", () => {
    const error = fail(status.CANCELLED, "silent");
    expect(error).toBeInstanceOf(SilentServerError);
    expect(error.retryable).toBe(false);
    expect(error.message).toMatch(/1\.5 s.*server\.silenceTimeoutMs/);
  });
});
