#!/usr/bin/env node
// Needs `npm run build`; scripts/bench-fleet does both.
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { positiveNumber, wholeNumber } from "../commands/option-parsers.js";
import { DrpoError, EXIT_CODE } from "../errors.js";
import { type BenchOptions, DEFAULTS } from "./bench-options.js";
import { benchTable } from "./bench-table.js";
import { type MeasuredIteration, runSeed } from "./run-seed.js";
import { summariseBench } from "./summarise-bench.js";

interface Flags {
  readonly seeds: number;
  readonly iterations: number;
  readonly endpoints: number;
  readonly prompts: number;
  readonly continuations: number;
  readonly samplerRows: number;
  readonly maxRows: number;
  readonly budget: number;
  readonly resetProportion: number;
  readonly faults: number;
  readonly timeScale: number;
  readonly json?: boolean;
}

const share = (text: string): number => {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("It must be a number from 0 to 1.");
  return value;
};

const program = (): Command => {
  const { fleet, samplerRows, iterations, seeds } = DEFAULTS;
  const { engine, workload, faults } = fleet;
  return new Command("bench-fleet")
    .description(
      "Samples on a simulated fleet: real gRPC servers on loopback, in a process of their own, whose time is that of engines " +
        "with continuous batching. Compares the orchestrator with schedulers that know all lengths, and measures its memory and CPU.",
    )
    .option("--seeds <count>", "fleets, one after the other", wholeNumber(1), seeds.length)
    .option("--iterations <count>", "iterations of each, with and without overlap", wholeNumber(1), iterations)
    .option("--endpoints <count>", "samplers", wholeNumber(1), fleet.endpoints)
    .option("--prompts <count>", "prompts of an iteration", wholeNumber(1), workload.prompts)
    .option("--continuations <count>", "rollouts of each", wholeNumber(1), workload.continuations)
    .option("--sampler-rows <count>", "rollouts of a sub-batch", wholeNumber(1), samplerRows)
    .option("--max-rows <count>", "rows that an engine decodes at once", wholeNumber(1), engine.maxRows)
    .option("--budget <tokens>", "longest response", wholeNumber(1), workload.budget)
    .option("--reset-proportion <share>", "prompts that are reset into a response", share, workload.resetProportion)
    .option("--faults <share>", "calls that meet a fault", share, faults.share)
    .option("--time-scale <number>", "simulated seconds in one second", positiveNumber, fleet.timeScale)
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ scripts/bench-fleet\n  $ scripts/bench-fleet --reset-proportion 1 --seeds 1 --json\n",
    )
    .exitOverride();
};

const toOptions = (flags: Flags): BenchOptions => {
  const { fleet } = DEFAULTS;
  const { endpoints, timeScale, prompts, continuations, budget, resetProportion } = flags;
  return {
    ...DEFAULTS,
    ...{ iterations: flags.iterations, samplerRows: flags.samplerRows },
    seeds: Array.from({ length: flags.seeds }, (_, i) => i + 1),
    fleet: {
      ...fleet,
      ...{ endpoints, timeScale },
      samplingSlots: Math.max(1, Math.round(flags.maxRows / flags.samplerRows)),
      engine: { ...fleet.engine, maxRows: flags.maxRows },
      faults: { ...fleet.faults, share: flags.faults },
      workload: { ...fleet.workload, prompts, continuations, budget, resetProportion },
    },
  };
};

const bench = async (flags: Flags): Promise<number> => {
  const options = toOptions(flags);
  const measured: MeasuredIteration[] = [];
  for (const seed of options.seeds) {
    const iterations = await runSeed(options, seed, (one) => process.stderr.write(`${progressLine(one)}\n`));
    for (const iteration of iterations) measured.push(iteration);
  }
  const summary = summariseBench(options, measured);
  process.stdout.write(`${flags.json ? JSON.stringify(summary, null, 2) : benchTable(summary)}\n`);
  const { lost, doubled, different } = summary.errors;
  return lost + doubled + different > 0 ? EXIT_CODE.failed : EXIT_CODE.done;
};

const progressLine = ({ seed, iteration, overlap, sampledS, scoredS, cpuS, fleet }: MeasuredIteration): string =>
  `seed ${seed}, iteration ${iteration}${overlap ? ", overlap" : ""}: sampled ${sampledS.toFixed(2)} s, scored ${scoredS.toFixed(2)} s, ` +
  `CPU ${cpuS.toFixed(2)} s, ${fleet.calls} calls, ${JSON.stringify(fleet.faults)}`;

try {
  process.exitCode = await bench(program().parse().opts<Flags>());
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.badInput;
  else if (error instanceof DrpoError) {
    process.stderr.write(`bench-fleet: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else throw error;
}
