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

test("a folder that the server does not find is the user's to correct; a model that it lost is not", () => {
  const notFound = (rpc: string, details: string) =>
    fromGrpcError({ code: status.NOT_FOUND, details }, { ...context, rpc });
  for (const rpc of ["TokenizerService.GetTokenizerInfo", "ModelService.PlanMemory", "ModelService.CreateModel"]) {
    const error = notFound(rpc, "there is no base in /data/base on the server");
    expect(error).toBeInstanceOf(BadInputError);
    expect(error.message).not.toContain("--resume");
  }
  expect(notFound("ModelService.CreateModel", "run 'r' has no model 'sft'")).toBeInstanceOf(NotOnServerError);
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
