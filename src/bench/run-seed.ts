import { mkdtemp, rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ModelHandle } from "../domain/model.js";
import type { FleetReport } from "../testbed/fleet/fleet-messages.js";
import { drawContexts, samplingParams } from "../testbed/fleet/fleet-workload.js";
import { forkFleet } from "../testbed/fleet/fork-fleet.js";
import { lengthPolicy } from "../testbed/fleet/length-policy.js";
import type { BenchOptions } from "./bench-options.js";
import { type IterationTimes, measureIteration } from "./measure-iteration.js";
import { type BenchPool, openBenchPool } from "./open-bench-pool.js";

/** How long a commit takes between the sync of new weights and the next rollouts, simulated ms. */
const COMMIT_MS = 1000;

export interface MeasuredIteration extends IterationTimes {
  readonly seed: number;
  readonly iteration: number;
  readonly overlap: boolean;
  /** Tokens of each response; [rows]. */
  readonly lengths: Uint32Array;
  readonly fleet: FleetReport;
  /** Peak memory of this process until then, bytes. */
  readonly peakRssBytes: number;
}

/** One fleet: iterations without and with overlap in turn, each of its own rows, on new weights. */
export const runSeed = async (
  options: BenchOptions,
  seed: number,
  onMeasured: (measured: MeasuredIteration) => void,
): Promise<readonly MeasuredIteration[]> => {
  const { fleet: fleetOptions, iterations, scoringTokensPerSecond: tokensPerSecond } = options;
  const { timeScale } = fleetOptions;
  const workload = { ...fleetOptions.workload, seed };
  const checkpointFolder = await mkdtemp(join(tmpdir(), "drpo-fleet-"));
  const faults = { ...fleetOptions.faults, seed };
  const fleet = await forkFleet({ ...fleetOptions, faults, workload, checkpointFolder });
  let bench: BenchPool | undefined;
  try {
    bench = await openBenchPool(fleet, options);
    const { eosTokenId } = lengthPolicy(workload.lengths);
    const draw = drawContexts(workload);
    const measured: MeasuredIteration[] = [];
    let model = bench.policy;
    for (let iteration = 0; iteration < 2 * iterations; iteration++) {
      const overlap = iteration % 2 === 1;
      const expected = await fleet.prepare(iteration, model, await save(bench, model, iteration));
      const request = { model, contexts: draw(iteration), params: samplingParams(eosTokenId) };
      await bench.pool.syncWeights(model);
      // A run commits then: samplers fetch the weights while the trainer writes its checkpoint.
      await setTimeout(COMMIT_MS / timeScale);
      await fleet.report();
      const scoring = { tokensPerSecond, timeScale };
      const times = await measureIteration(bench.pool, request, { overlap, expected, scoring });
      const peakRssBytes = process.resourceUsage().maxRSS * 1024;
      const one = { seed, iteration, overlap, ...times, peakRssBytes };
      measured.push({ ...one, lengths: expected.lengths, fleet: await fleet.report() });
      onMeasured(measured.at(-1)!);
      model = await update(bench, model);
    }
    return measured;
  } finally {
    await bench?.close();
    await fleet.close();
    await rm(checkpointFolder, { recursive: true, force: true });
  }
};

const save = ({ server }: BenchPool, model: ModelHandle, iteration: number) =>
  server.models.saveCheckpoint({
    uri: `checkpoints/prepared/${iteration}`,
    models: [model],
    withOptimizerState: false,
  });

/** A small step, so that every iteration has weights that no sampler holds. */
const update = async ({ server: { trainer } }: BenchPool, model: ModelHandle): Promise<ModelHandle> => {
  const { requestId } = await trainer.forwardBackward({ rows: [{ tokens: [0, 1], spanStart: 1, spanLength: 1 }] }, [
    { model, loss: { kind: "crossEntropy", weights: [1] } },
  ]);
  const adamw = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
  return (await trainer.optimizerStep({ model, requestIds: [requestId], adamw, maxGradientNorm: 0 })).model;
};
