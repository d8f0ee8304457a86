import { BadInputError } from "../../errors.js";
import { type Finding, seedsUpTo, type StudyContext, type StudyResult, type StudyTable } from "../study.js";
import { gapChart, klChart } from "./npg-charts.js";
import { type CriticKind, CRITICS, type NpgFigure, npgFigures, type NpgOptions } from "./npg-figures.js";
import { type NpgRow, npgRows } from "./npg-rows.js";
import { greatest } from "../../math/extremes.js";

/** Sizes of the whole study. */
export const NPG: NpgOptions = {
  ...{ horizon: 4, actions: 3, maxScore: 1, trajectories: 16_384, seeds: seedsUpTo(10) },
  ...{ iterations: [1, 4, 16, 64, 256, 1024, 4096], klCoefs: [0.001, 0.01, 0.1, 1] },
};

/** Sizes that take seconds. */
export const NPG_QUICK: NpgOptions = {
  ...{ horizon: 3, actions: 3, maxScore: 1, trajectories: 1024, seeds: seedsUpTo(2) },
  ...{ iterations: [1, 16, 256], klCoefs: [0.01, 0.1] },
};

/** States of a tree that are still visited at every iteration in reasonable time. */
const MAX_STATES = 20_000;

/**
 * Algorithm 3 against its guarantees: Lemmas B.8 and B.11 of Chang et al. 2024 (arXiv 2404.08495), on tables.
 * @throws BadInputError for sizes that do not fit together
 */
export const studyNpg = async (options: NpgOptions, context: StudyContext): Promise<StudyResult> => {
  checkSizes(options);
  const runs = await npgFigures(options, context);
  const rows = npgRows(runs, options);
  const findings = npgFindings(runs, rows, options);
  return {
    title: "NPG with dataset resets against its bounds",
    description: describe(options),
    findings,
    tables: CRITICS.map((critic) => rowTable(critic, rows)),
    charts: CRITICS.flatMap((critic) => [gapChart(critic, rows, options), klChart(critic, runs, options)]),
    figures: { study: "npg", options, findings, rows, runs },
  };
};

/** What the theory promises, and whether the bound says more than that scores are bounded. */
const npgFindings = (runs: readonly NpgFigure[], rows: readonly NpgRow[], { klCoefs }: NpgOptions): Finding[] => {
  const exact = rows.filter(({ critic }) => critic === "exact");
  const falls = (of: (row: NpgRow) => number): boolean =>
    klCoefs.every((klCoef) => {
      const values = exact.filter((row) => row.klCoef === klCoef).map(of);
      return values.every((value, i) => i === 0 || value < values[i - 1]!);
    });
  const telling = rows.filter((row) => row.bound < row.referenceGap).length;
  return [
    {
      claim: `V(pi*) - V(mixture) is at most the bound of Lemma B.8 in each of ${runs.length} runs`,
      holds: runs.every((run) => run.gap <= run.bound.total),
    },
    {
      claim: `KL(pi_t(s) || pi_SFT(s)) is at most the bound of Lemma B.11 in every state at every t of each run`,
      holds: runs.every((run) => run.klShare <= 1),
    },
    { claim: "with the exact critic the gap falls with every larger T", holds: falls((row) => row.gap) },
    { claim: "with the exact critic the bound falls with every larger T", holds: falls((row) => row.bound) },
    {
      claim: `the bound is below the gap of pi_SFT itself somewhere (in ${telling} of ${rows.length} rows)`,
      holds: telling > 0,
    },
  ];
};

const describe = ({ horizon, actions, maxScore, trajectories, seeds }: NpgOptions): string =>
  `Algorithm 3 of the paper (natural policy gradient, one mirror-descent step at every state) on trees of ${actions} ` +
  `tokens and H = ${horizon} with random scores in [0, ${maxScore}], from a random softmax pi_SFT; pi* is the optimal ` +
  `policy. eta = 1 / (r_max sqrt T). The output is the uniform mixture of pi_1 .. pi_T; everything that is compared ` +
  `is exact. The sampled critic is a table of means: ${trajectories} trajectories of pi_SFT are split over the T ` +
  `iterations, each is reset to at a step drawn from 1..H. Means over ${seeds.length} seeds, each with its own tree.`;

const rowTable = (kind: CriticKind, rows: readonly NpgRow[]): StudyTable => ({
  caption: `The ${kind} critic`,
  columns: ["lambda", "T", "gap", "bound (B.8)", "largest gap / bound", "eps_eval", "largest KL / bound (B.11)"],
  rows: rows
    .filter(({ critic }) => critic === kind)
    .map((row) => [row.klCoef, row.iterations, row.gap, row.bound, row.gapShare, row.criticError, row.klShare]),
});

const checkSizes = ({ actions, horizon, trajectories, iterations }: NpgOptions): void => {
  const largest = greatest(iterations);
  if (trajectories < largest) {
    throw new BadInputError(
      `${trajectories} trajectories cannot be split over T = ${largest} iterations: give --trajectories at least T.`,
    );
  }
  const states = (actions ** horizon - 1) / (actions - 1);
  if (states > MAX_STATES) {
    throw new BadInputError(
      `A tree of ${actions} actions and H = ${horizon} has ${states} states, more than ${MAX_STATES}: give a smaller ` +
        "--horizon or --actions.",
    );
  }
};
