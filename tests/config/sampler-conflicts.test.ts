import { expect, test } from "@jest/globals";
import { samplerConflicts } from "../../src/config/sampler-conflicts.js";
import { serverSchema } from "../../src/config/server.js";

const linesOf = (server: object) => samplerConflicts(serverSchema.parse({ kind: "local", ...server }));
const remote = (address: string, more: object = {}) => ({ kind: "remote", address, ...more });

test("samplers of this machine and of others", () => {
  const samplers = [
    { kind: "local", count: 2 },
    { kind: "local", engine: "vllm", engineOptions: { tensor_parallel_size: 2 } },
    remote("127.0.0.1:50051"),
    remote("[::1]:50051"),
    remote("gpu-7:50051", { tlsCa: "ca.pem" }),
  ];
  expect(linesOf({ samplers, overlap: true })).toEqual([]);
});

test.each([
  ["without TLS beyond loopback", { samplers: [remote("gpu-7:50051")] }, "set server.samplers[0].tlsCa"],
  ["an address that is none", { samplers: [remote("gpu-7")] }, "must be host:port"],
  ["one sampler twice", { samplers: [remote("[::1]:1"), remote("[::1]:1")] }, "name [::1]:1 more than once"],
  ["vLLM's options elsewhere", { samplers: [{ kind: "local", engineOptions: { a: 1 } }] }, "engineOptions are vLLM's"],
  ["overlap of nothing", { overlap: true }, "server.samplers is empty"],
  ["the trainer", { ...remote("127.0.0.1:1"), samplers: [remote("127.0.0.1:1")] }, "which is the trainer"],
])("refused: %s", (_, server, words) => {
  expect(linesOf(server)).toEqual([expect.stringContaining(words)]);
});
