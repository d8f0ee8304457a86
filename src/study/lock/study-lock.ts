import { BadInputError } from "../../errors.js";
import type { CurvesChart } from "../../report/curves-chart.js";
import { formatNumber } from "../../report/format-number.js";
import { type Finding, seedsUpTo, type StudyContext, type StudyResult, type StudyTable } from "../study.js";
import { lockFigures, type LockOptions } from "./lock-figures.js";
import { runLock, type RunLock } from "./lock-job.js";
import { DR_PO, METHODS, PPO, RELEASED } from "./lock-methods.js";
import { lockRows, type LockRow } from "./lock-rows.js";
import { LOCK_PPO } from "./train-on-lock.js";

/** Sizes of the whole study. */
export const LOCK: LockOptions = {
  ...{ horizons: [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], actions: 3, responses: 16, share: 0.25 },
  ...{ solvedAt: 0.9, maxTokens: 400_000, seeds: seedsUpTo(10) },
};

/** Sizes that take seconds. */
export const LOCK_QUICK: LockOptions = { ...LOCK, horizons: [4, 8], seeds: seedsUpTo(2) };

/** PPO is under this where it found nothing. */
const UNSOLVED = 0.1;

/**
 * Resets against exploration: PPO and DR-PO on combination locks at the same number of sampled tokens.
 * @param run does one run; left out: in this thread
 * @throws BadInputError for sizes that do not fit together
 */
export const studyLock = async (
  options: LockOptions,
  context: StudyContext,
  run: RunLock = runLock,
): Promise<StudyResult> => {
  checkSizes(options);
  const runs = await lockFigures(options, context, run);
  const rows = lockRows(runs, options);
  const findings = lockFindings(rows, options);
  return {
    title: "Combination locks: dataset resets against exploration",
    description: describe(options),
    findings,
    tables: METHODS.map(({ name, label }) =>
      methodTable(
        label,
        rows.filter(({ method }) => method === name),
      ),
    ),
    charts: [tokensChart(rows, options), successChart(rows)],
    figures: { study: "lock", options, ppo: LOCK_PPO, findings, rows, runs },
  };
};

function lockFindings(rows: readonly LockRow[], { actions, solvedAt }: LockOptions): Finding[] {
  const of = ({ name }: { readonly name: string }) => rows.filter(({ method }) => method === name);
  const failed = of(PPO).filter(({ highestSuccess }) => highestSuccess < UNSOLVED);
  const first = failed[0]?.horizon;
  const sameFrom = of(PPO).filter(({ horizon }) => first !== undefined && horizon >= first);
  return [
    {
      claim: `DR-PO with the theory's cut reaches a success of ${solvedAt} on every seed of every H`,
      holds: of(DR_PO).every(({ solved, seeds }) => solved === seeds),
    },
    {
      claim:
        first === undefined
          ? `PPO stays under ${UNSOLVED} on every seed at some H, with the tokens that DR-PO's slowest seed needed`
          : `PPO stays under ${UNSOLVED} on every seed of every H from ${first} on, with the tokens that DR-PO's slowest seed needed`,
      holds: sameFrom.length > 0 && sameFrom.length === failed.length,
    },
    {
      claim: `DR-PO with the released cut, which never starts at the prompt, stays at or under 1 / ${actions}: its first token is not learnt`,
      holds: of(RELEASED).every(({ highestSuccess }) => highestSuccess <= 1 / actions + 1e-9),
    },
  ];
}

const describe = ({ actions, responses, share, seeds, solvedAt }: LockOptions): string =>
  `A combination lock of horizon H has one right token of ${actions} at each step, and only the response of right tokens ` +
  `alone scores (1; all others 0). D_TR has ${responses} responses: ${formatNumber(share * 100)} % are the right one, the ` +
  `others are random. The project's own loop and PPO train a table without shared weights from the uniform policy; ` +
  `success is the exact probability of the right response from the prompt, and ${solvedAt} counts as solved. PPO and the ` +
  `released cut get as many sampled tokens as the slowest of the ${seeds.length} seeds of DR-PO took at that H. ` +
  `KL coefficient 0; every seed has its own lock, data and noise.`;

const methodTable = (label: string, rows: readonly LockRow[]): StudyTable => ({
  caption: label,
  columns: ["H", "sampled tokens allowed", "solved", "median tokens to solve", "mean success", "lowest", "highest"],
  rows: rows.map((row) => [
    ...[row.horizon, row.budgetTokens, `${row.solved} of ${row.seeds}`, row.tokensToSolve ?? "-"],
    ...[row.meanSuccess, row.lowestSuccess, row.highestSuccess],
  ]),
});

/** Dashed: what blind search takes, H actions^H, the tokens that the uniform policy writes until the first score. */
const tokensChart = (rows: readonly LockRow[], { actions, horizons }: LockOptions): CurvesChart => ({
  ...{ title: "Tokens to solve", unit: "sampled tokens, median", xName: "H", isLogY: true },
  curves: [
    ...METHODS.map(({ name, label }, colour) => ({
      ...{ label, colour },
      points: rows.flatMap(({ method, horizon, tokensToSolve }) =>
        method === name && tokensToSolve !== null ? [{ x: horizon, y: tokensToSolve }] : [],
      ),
    })).filter(({ points }) => points.length > 0),
    {
      ...{ label: `until the uniform policy first scores, H ${actions}^H`, colour: 5, isDashed: true },
      points: horizons.map((horizon) => ({ x: horizon, y: horizon * actions ** horizon })),
    },
  ],
});

const successChart = (rows: readonly LockRow[]): CurvesChart => ({
  ...{ title: "Success at the same number of sampled tokens", unit: "probability, mean over seeds", xName: "H" },
  curves: METHODS.map(({ name, label }, colour) => ({
    ...{ label, colour },
    points: rows
      .filter(({ method }) => method === name)
      .map(({ horizon, meanSuccess }) => ({ x: horizon, y: meanSuccess })),
  })),
});

const checkSizes = ({ responses, share }: LockOptions): void => {
  if (Math.round(share * responses) < 1) {
    throw new BadInputError(
      `A share of ${share} of ${responses} responses is none: no right response would be in the data. Raise --share or --responses.`,
    );
  }
};
