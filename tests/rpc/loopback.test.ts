import { expect, test } from "@jest/globals";
import { isLoopback } from "../../src/rpc/loopback.js";

test.each(["127.0.0.1:50051", "127.8.9.10:1", "localhost:50051", "[::1]:50051"])("%s is this machine", (address) => {
  expect(isLoopback(address)).toBe(true);
});

test.each(["10.0.0.1:50051", "127.0.0.1.example.com:1", "localhost.example.com:1", "0.0.0.0:1", "[fe80::1]:1"])(
  "%s is not",
  (address) => {
    expect(isLoopback(address)).toBe(false);
  },
);
