import { type MeanAndSpread, meanAndSpread } from "../math/mean-and-spread.js";
import type { FaultKind } from "../testbed/fleet/call-faults.js";
import type { BenchOptions } from "./bench-options.js";
import type { RowErrors } from "./check-rollouts.js";
import { createReference, type Reference, type ReferenceTimes } from "./reference-times.js";
import { drawContexts } from "../testbed/fleet/fleet-workload.js";
import type { MeasuredIteration } from "./run-seed.js";
import { greatest } from "../math/extremes.js";

/** A phase against those who know all lengths; shares of 1, over seeds. */
export interface PhaseSummary {
  /** Mean over iterations, s on the wall. */
  readonly seconds: MeanAndSpread;
  /** What a scheduler would have needed that knew all lengths and met the same faults, over what was needed. */
  readonly ofClairvoyant: MeanAndSpread;
  /** The same without any fault. */
  readonly ofFaultless: MeanAndSpread;
  /** What no schedule can be faster than, over what was needed. */
  readonly ofBound: MeanAndSpread;
}

export interface ModeSummary {
  readonly overlap: boolean;
  readonly sampling: PhaseSummary;
  /** Sampling and scoring. */
  readonly iteration: PhaseSummary;
  /** CPU seconds of the orchestrator for each second on the wall. */
  readonly cores: MeanAndSpread;
}

export interface BenchSummary {
  readonly options: BenchOptions;
  readonly modes: readonly ModeSummary[];
  /**
   * Time that the iterations with overlap would have taken if scoring had come after sampling, over the time that they took.
   * Not against those without overlap: these meet other faults.
   */
  readonly overlapGain: number;
  readonly peakRssBytes: number;
  readonly calls: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly rows: number;
  readonly errors: RowErrors;
  /** How late the simulation itself was, simulated ms: the worst iteration's row of a hundred. */
  readonly latenessP99Ms: number;
  readonly iterations: readonly (Omit<Referenced, "lengths" | "peakRssBytes"> & { readonly rows: number })[];
}

export const summariseBench = (options: BenchOptions, measured: readonly MeasuredIteration[]): BenchSummary => {
  const referenced = withReferences(options, measured);
  const modes = [false, true].map((overlap) => summariseMode(options, referenced, overlap));
  const total = (of: (one: MeasuredIteration) => number) => sum(measured.map(of));
  return {
    ...{ options, modes },
    overlapGain: gainOf(modes[0]!, modes[1]!),
    peakRssBytes: greatest(measured.map(({ peakRssBytes }) => peakRssBytes)),
    calls: total(({ fleet }) => fleet.calls),
    faults: {
      refused: total(({ fleet }) => fleet.faults.refused),
      dropped: total(({ fleet }) => fleet.faults.dropped),
      stalled: total(({ fleet }) => fleet.faults.stalled),
      death: total(({ fleet }) => fleet.faults.death),
    },
    rows: total(({ lengths }) => lengths.length),
    errors: {
      lost: total(({ errors }) => errors.lost),
      doubled: total(({ errors }) => errors.doubled),
      different: total(({ errors }) => errors.different),
    },
    latenessP99Ms: greatest(measured.map(({ fleet }) => fleet.latenessMs.p99)),
    iterations: referenced.map(({ lengths, peakRssBytes: _, ...one }) => ({ ...one, rows: lengths.length })),
  };
};

const gainOf = (apart: ModeSummary, overlapped: ModeSummary): number => {
  const scoring = apart.iteration.seconds.mean - apart.sampling.seconds.mean;
  return (overlapped.sampling.seconds.mean + scoring) / overlapped.iteration.seconds.mean;
};

type Referenced = MeasuredIteration & { readonly reference: ReferenceTimes };

const withReferences = (options: BenchOptions, measured: readonly MeasuredIteration[]): readonly Referenced[] =>
  measured.map((one) => {
    const contexts = drawContexts({ ...options.fleet.workload, seed: one.seed })(one.iteration);
    const reference = createReference(options, one.seed)(contexts, one.lengths, one.overlap);
    return { ...one, reference };
  });

const summariseMode = (options: BenchOptions, all: readonly Referenced[], overlap: boolean): ModeSummary => {
  const bySeed = options.seeds.map((seed) => all.filter((one) => one.seed === seed && one.overlap === overlap));
  const { timeScale } = options.fleet;
  const overSeeds = (of: (iterations: readonly Referenced[]) => number) => meanAndSpread(bySeed.map(of));
  const phase = (needed: (one: Referenced) => number, reference: (one: Referenced) => Reference): PhaseSummary => {
    const share = (of: (known: Reference) => number) =>
      overSeeds((some) => sum(some.map((one) => of(reference(one)) / timeScale)) / sum(some.map(needed)));
    return {
      seconds: overSeeds((some) => sum(some.map(needed)) / some.length),
      ofClairvoyant: share(({ clairvoyantS }) => clairvoyantS),
      ofFaultless: share(({ faultlessS }) => faultlessS),
      ofBound: share(({ boundS }) => boundS),
    };
  };
  return {
    overlap,
    sampling: phase(
      ({ sampledS }) => sampledS,
      ({ reference }) => reference.sampled,
    ),
    iteration: phase(
      ({ scoredS }) => scoredS,
      ({ reference }) => reference.scored,
    ),
    cores: overSeeds((some) => sum(some.map(({ cpuS }) => cpuS)) / sum(some.map(({ scoredS }) => scoredS))),
  };
};

const sum = (xs: readonly number[]): number => xs.reduce((total, x) => total + x, 0);
