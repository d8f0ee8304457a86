import { BadInputError } from "../../errors.js";
import { mean } from "../../math/statistics.js";
import type { CurvesChart } from "../../report/curves-chart.js";
import { runLock, type RunLock } from "../lock/lock-job.js";
import { DR_PO, type LockMethod, PPO } from "../lock/lock-methods.js";
import { LOCK_PPO } from "../lock/train-on-lock.js";
import { type Finding, seedsUpTo, type StudyContext, type StudyResult } from "../study.js";
import { greatest, least } from "../../math/extremes.js";

export interface CoverageOptions {
  /** H of the lock. */
  readonly horizon: number;
  readonly actions: number;
  /** Size of D_TR. */
  readonly responses: number;
  /** Every number of right responses in D_TR that is tried, falling. */
  readonly right: readonly number[];
  /** Sampled tokens of each run. */
  readonly budgetTokens: number;
  readonly seeds: readonly number[];
}

/** Sizes of the whole study. */
export const COVERAGE: CoverageOptions = {
  ...{ horizon: 10, actions: 3, responses: 128, right: [64, 32, 16, 8, 4, 2, 1, 0], budgetTokens: 32_000 },
  seeds: seedsUpTo(10),
};

/** Sizes that take seconds. */
export const COVERAGE_QUICK: CoverageOptions = {
  ...COVERAGE,
  horizon: 6,
  right: [64, 4, 0],
  budgetTokens: 8000,
  seeds: seedsUpTo(2),
};

/** One run. */
export interface CoverageFigure {
  readonly seed: number;
  readonly method: LockMethod["name"];
  /** Right responses in D_TR. */
  readonly right: number;
  /** V* - V(pi): 1 less the exact probability of the right response. */
  readonly gap: number;
}

/**
 * What the guarantee's coverage means: the gap to the optimal policy as the offline data covers its path less and less, at
 * a fixed number of sampled tokens.
 * @param run does one run; left out: in this thread
 * @throws BadInputError for sizes that do not fit together
 */
export const studyCoverage = async (
  options: CoverageOptions,
  context: StudyContext,
  run: RunLock = runLock,
): Promise<StudyResult> => {
  checkSizes(options);
  const runs = await coverageFigures(options, context, run);
  const gaps = (method: LockMethod, right?: number) =>
    runs
      .filter((run) => run.method === method.name && (right === undefined || run.right === right))
      .map(({ gap }) => gap);
  const rows = options.right.map((right) => {
    const own = gaps(DR_PO, right);
    return { right, gap: mean(own), lowest: least(own), highest: greatest(own) };
  });
  const ppoGap = mean(gaps(PPO));
  const findings = coverageFindings(rows, ppoGap);
  return {
    title: "Coverage: what is left when the data knows less of the good path",
    description: describe(options),
    findings,
    tables: [
      {
        caption: `Gap to the optimal value after ${options.budgetTokens} sampled tokens; PPO, which uses no data: ${ppoGap.toFixed(3)}`,
        columns: ["right responses", `of`, "mean gap", "lowest", "highest"],
        rows: rows.map(({ right, gap, lowest, highest }) => [right, options.responses, gap, lowest, highest]),
      },
    ],
    charts: [gapChart(rows, ppoGap, options)],
    figures: { study: "coverage", options, ppo: LOCK_PPO, findings, rows, ppoGap, runs },
  };
};

interface CoverageRow {
  readonly right: number;
  readonly gap: number;
  readonly lowest: number;
  readonly highest: number;
}

const coverageFigures = async (
  { horizon, actions, responses, right: every, budgetTokens, seeds }: CoverageOptions,
  { progress, signal }: StudyContext,
  run: RunLock,
): Promise<readonly CoverageFigure[]> => {
  const task = progress.start("coverage", (every.length + 1) * seeds.length, "runs");
  let done = 0;
  // PPO starts at the prompt, whatever the data is.
  const pairs = [...every.map((right) => [DR_PO, right] as const), [PPO, every[0]!] as const];
  const jobs = seeds.flatMap((seed) => pairs.map(([{ name: method }, right]) => ({ seed, method, right })));
  const figures = await Promise.all(
    jobs.map(async ({ seed, method, right }): Promise<CoverageFigure> => {
      const size = { horizon, actions, responses, share: right / responses, budgetTokens };
      const { success } = await run({ ...size, method, seed, solvedAt: 1 }, signal);
      task.update(++done);
      return { seed, method, right, gap: 1 - success };
    }),
  );
  task.end();
  return figures;
};

const coverageFindings = (rows: readonly CoverageRow[], ppoGap: number): Finding[] => {
  const uncovered = rows.find(({ right }) => right === 0);
  return [
    {
      claim: "the mean gap grows with every quartering of the coverage",
      // Between halves, a seed more or less that finds the path by chance decides; near the optimum, noise does.
      holds: rows.every(({ gap }, i) => i < 2 || gap > rows[i - 2]!.gap - 0.01),
    },
    {
      claim: `with the best coverage the mean gap is under 0.1 (${rows[0]!.gap.toFixed(3)})`,
      holds: rows[0]!.gap < 0.1,
    },
    ...(uncovered
      ? [
          {
            claim: `without a right response in the data resets are no better than PPO: a gap of ${uncovered.gap.toFixed(3)} against ${ppoGap.toFixed(3)}`,
            holds: uncovered.gap > ppoGap - 0.05,
          },
        ]
      : []),
  ];
};

const describe = ({ horizon, actions, responses, budgetTokens, seeds }: CoverageOptions): string =>
  `A combination lock of horizon ${horizon} with ${actions} tokens; D_TR has ${responses} responses, of which fewer and ` +
  `fewer are the right one; the others are random, and share some of its beginning by chance. DR-PO with the theory's cut and ` +
  `the project's PPO, ${budgetTokens} sampled tokens, ${seeds.length} seeds. The gap is exact: 1 less the probability of ` +
  `the right response from the prompt.`;

/** Without any right response there is no place on a logarithmic axis: the table has it. */
const gapChart = (rows: readonly CoverageRow[], ppoGap: number, { responses }: CoverageOptions): CurvesChart => {
  const covered = rows.filter(({ right }) => right > 0).reverse();
  const curve = (of: (row: CoverageRow) => number) => covered.map((row) => ({ x: row.right / responses, y: of(row) }));
  return {
    ...{ title: "Gap to the optimal value", unit: "score", xName: "share of right responses in D_TR", isLogX: true },
    curves: [
      { label: "DR-PO, mean", colour: 0, points: curve(({ gap }) => gap) },
      { label: "lowest and highest seed", colour: 0, isDashed: true, points: curve(({ lowest }) => lowest) },
      { label: "", colour: 0, isDashed: true, points: curve(({ highest }) => highest) },
      { label: "PPO, mean", colour: 1, isDashed: true, points: curve(() => ppoGap) },
    ],
  };
};

const checkSizes = ({ responses, right }: CoverageOptions): void => {
  const most = greatest(right);
  if (most > responses) {
    throw new BadInputError(
      `${most} right responses do not fit into ${responses}: give fewer --right, or more --responses.`,
    );
  }
};
