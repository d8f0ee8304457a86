import { expect, test } from "@jest/globals";
import { compareLogprobs } from "../../src/commands/doctor/compare-logprobs.js";
import type { LogprobProbe } from "../../src/commands/doctor/probe-logprobs.js";
import type { ServerInfo } from "../../src/ports/model-store.js";

const probe = (address: string, logprobs: readonly number[], dtype = "float32"): LogprobProbe => {
  const info: ServerInfo = {
    ...{ serverVersion: "1", engine: "torch", device: "cpu", computeThreads: 1, memoryTotalBytes: 1, dtype },
    ...{ memoryAvailableBytes: 1, capabilities: ["sampler"], instanceId: "a", residentBases: [], processes: 1 },
    samplingSlots: 1,
    tokenBudget: 0,
  };
  return { server: { address, token: undefined, tlsCa: undefined, info, base: "/b" }, logprobs };
};

test.each([
  ["the same", [-1, -2], "float32", true, 0],
  ["what float32 leaves", [-1.0004, -2.0004], "float32", true, 0.0004],
  ["more than that", [-1.01, -2.03], "float32", false, 0.02],
  ["what bfloat16 leaves", [-1.01, -2.03], "bfloat16", true, 0.02],
])("two servers differ by %s", (_, logprobs, dtype, isOk, difference) => {
  const finding = compareLogprobs(probe("a:1", [-1, -2]), probe("b:2", logprobs, dtype));
  expect(finding).toMatchObject({ name: "agreement a:1, b:2", isOk });
  expect(finding.meanDifference ?? difference).toBeCloseTo(difference, 6);
  expect(finding.mend === undefined).toBe(isOk);
});

test("NaN is no agreement, and neither is a missing number", () => {
  expect(compareLogprobs(probe("a:1", [-1, -2]), probe("b:2", [-1, NaN])).isOk).toBe(false);
  expect(compareLogprobs(probe("a:1", [-1, -2]), probe("b:2", [-1])).isOk).toBe(false);
});
