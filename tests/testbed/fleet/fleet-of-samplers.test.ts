import { afterEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS, type BenchOptions } from "../../../src/bench/bench-options.js";
import { type BenchPool, openBenchPool } from "../../../src/bench/open-bench-pool.js";
import type { PlacedContinuation } from "../../../src/ports/sampler.js";
import { drawContexts, samplingParams } from "../../../src/testbed/fleet/fleet-workload.js";
import { lengthPolicy } from "../../../src/testbed/fleet/length-policy.js";
import { type Fleet, openFleet } from "../../../src/testbed/fleet/open-fleet.js";

const lengths = { medianTokens: 20, spread: 0.8 };
const { eosTokenId } = lengthPolicy(lengths);

const weights = { refused: 1, dropped: 1, stalled: 1, death: 1 };

/** Eight samplers, and three calls in ten go wrong. */
const options: BenchOptions = {
  ...DEFAULTS,
  ...{ samplerRows: 4, silenceMs: 40_000 },
  fleet: {
    ...DEFAULTS.fleet,
    ...{ endpoints: 8, samplingSlots: 4, timeScale: 20 },
    engine: { ...DEFAULTS.fleet.engine, maxRows: 12 },
    faults: { ...DEFAULTS.fleet.faults, share: 0.3, withinMs: 500, weights, seed: 1 },
    workload: {
      ...{ seed: 1, prompts: 40, continuations: 4, promptTokens: [4, 16], budget: 100, resetProportion: 0.5, lengths },
    },
  },
};

let folder = "";
let fleet: Fleet | undefined;
let bench: BenchPool | undefined;
afterEach(async () => {
  await bench?.close();
  await fleet?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a fleet whose calls fail, stall and die writes every row once, as one sampler would", async () => {
  folder = mkdtempSync(join(tmpdir(), "drpo-fleet-test-"));
  fleet = await openFleet({ ...options.fleet, checkpointFolder: folder });
  bench = await openBenchPool(fleet, options);
  const { server, pool, policy } = bench;
  const contexts = drawContexts(options.fleet.workload)(0);
  const request = { model: policy, contexts, params: samplingParams(eosTokenId) };
  const parts: PlacedContinuation[] = [];
  await pool.syncWeights(policy);
  const rollouts = await pool.sample(request, { onSampled: (part) => parts.push(...part) });

  expect(rollouts).toEqual(await server.sampler.sample(request));
  expect(new Set(parts.map((part) => `${part.contextIndex} ${part.continuationIndex}`)).size).toBe(160);
  expect(parts).toHaveLength(160);
  // Every kind of fault was met.
  expect(Object.values(fleet.record.faults).every((times) => times > 0)).toBe(true);
});
