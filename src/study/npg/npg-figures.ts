import { setImmediate } from "node:timers/promises";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import { responseKl } from "../../testbed/tree-kl.js";
import { checkSignal } from "../../testbed/check-signal.js";
import type { StudyContext } from "../study.js";
import { type Critic, exactCritic, sampledCritic } from "./critics.js";
import type { GapBound } from "./npg-bounds.js";
import { type NpgProblem, type ProblemSize, randomProblem } from "./npg-problem.js";
import { rollOut } from "./roll-out.js";
import { runNpg } from "./run-npg.js";
import { greatest } from "../../math/extremes.js";

export type CriticKind = "exact" | "sampled";
export const CRITICS: readonly CriticKind[] = ["exact", "sampled"];

export interface NpgOptions extends ProblemSize {
  /** Every T that is tried, rising. */
  readonly iterations: readonly number[];
  /** Every lambda that is tried. */
  readonly klCoefs: readonly number[];
  /** Trajectories of pi_SFT in D_TR, split over the T iterations: at least the largest T. */
  readonly trajectories: number;
  /** Each has its own tree, policy, data and noise. */
  readonly seeds: readonly number[];
}

/** The KL at one t, at its largest over the states, and Lemma B.11's bound; nats. */
export interface KlPoint {
  readonly t: number;
  readonly kl: number;
  readonly bound: number;
}

/** One run of Algorithm 3. */
export interface NpgFigure {
  readonly seed: number;
  readonly critic: CriticKind;
  readonly klCoef: number;
  /** T. */
  readonly iterations: number;
  /** V(pi*) - V(pi_SFT): what doing nothing leaves. */
  readonly referenceGap: number;
  readonly gap: number;
  readonly bound: GapBound;
  readonly criticError: number;
  /** C_KL, nats. */
  readonly coveredKl: number;
  /** The largest share of Lemma B.11's bound that the KL of any state reaches at any t from 2 on; 0 for T = 1. */
  readonly klShare: number;
  /** At t = 2, 4, 8 ... T. */
  readonly kls: readonly KlPoint[];
}

/** Runs Algorithm 3 for every seed, critic, lambda and T. @throws InterruptedError */
export const npgFigures = async (options: NpgOptions, { progress, signal }: StudyContext): Promise<NpgFigure[]> => {
  const { seeds, klCoefs, iterations: everyT } = options;
  const total = seeds.length * klCoefs.length * CRITICS.length * everyT.reduce((sum, t) => sum + t, 0);
  const task = progress.start("npg", total, "iterations");
  const figures: NpgFigure[] = [];
  let done = 0;
  for (const seed of seeds) {
    const problem = randomProblem(options, seed);
    const criticOf = criticMaker(problem, options.trajectories, seed);
    for (const critic of CRITICS) {
      for (const klCoef of klCoefs) {
        for (const iterations of everyT) {
          await setImmediate();
          checkSignal({ signal });
          figures.push(figureOf(problem, criticOf(critic, iterations), { seed, critic, klCoef, iterations }));
          task.update((done += iterations));
        }
      }
    }
  }
  task.end();
  return figures;
};

/** D_TR is drawn once a seed; every T and lambda splits the same trajectories. */
const criticMaker = ({ tree, reference }: NpgProblem, count: number, seed: number) => {
  const random = new Random(seedAt(seed, "sample"));
  const trajectories = Array.from({ length: count }, () => rollOut({ tree, policy: reference, start: 0, random }));
  return (kind: CriticKind, iterations: number): Critic =>
    kind === "exact"
      ? exactCritic
      : sampledCritic({
          ...{ tree, reference, trajectories, iterations },
          random: new Random(seedAt(seed, "rollout", iterations)),
        });
};

const figureOf = (
  problem: NpgProblem,
  critic: Critic,
  of: Pick<NpgFigure, "seed" | "critic" | "klCoef" | "iterations">,
): NpgFigure => {
  const { gap, bound, criticError, kls } = runNpg(problem, { ...of, critic });
  const all = kls.map((point, i) => ({ t: i + 1, ...point }));
  return {
    ...of,
    referenceGap: problem.comparatorValue - problem.referenceValue,
    ...{ gap, bound, criticError },
    coveredKl: responseKl(problem.tree, problem.comparator, problem.reference),
    klShare: Math.max(0, greatest(all.slice(1).map((point) => point.kl / point.bound))),
    kls: all.filter(({ t }) => t >= 2 && Number.isInteger(Math.log2(t))),
  };
};
