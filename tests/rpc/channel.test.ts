import { expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { openChannel } from "../../src/rpc/channel.js";

test("beyond loopback a connection without TLS is refused", () => {
  expect(() => openChannel({ address: "gpu.example.com:50051" })).toThrow(BadInputError);
  expect(() => openChannel({ address: "gpu.example.com:50051" })).toThrow(/server\.tlsCa/);
});

test("a certificate that cannot be read is named", () => {
  expect(() => openChannel({ address: "gpu.example.com:1", tlsCa: "/nowhere/ca.pem" })).toThrow(/\/nowhere\/ca\.pem/);
});

test("the token travels in the metadata of calls", () => {
  const channel = openChannel({ address: "127.0.0.1:1", token: "secret" });
  expect(channel.metadata.get("authorization")).toEqual(["Bearer secret"]);
  channel.client.close();
});
