import { setImmediate } from "node:timers/promises";
import { checkSignal } from "../../testbed/check-signal.js";
import { combinationLock } from "../../testbed/combination-lock.js";
import { seedAt } from "../../math/seeds.js";
import type { StudyContext } from "../study.js";
import { lockData } from "./lock-data.js";
import { DR_PO, type LockMethod, PPO, RELEASED } from "./lock-methods.js";
import { type LockRun, trainOnLock } from "./train-on-lock.js";

export interface LockOptions {
  /** Every H that is tried, rising. */
  readonly horizons: readonly number[];
  /** Tokens to choose from. */
  readonly actions: number;
  /** Size of D_TR, and the share of it that is the right response. */
  readonly responses: number;
  readonly share: number;
  /** Success from which on a lock is solved. */
  readonly solvedAt: number;
  /** DR-PO gives up after so many sampled tokens. */
  readonly maxTokens: number;
  /** Each has its own locks, data and noise. */
  readonly seeds: readonly number[];
}

/** One run on one lock. */
export interface LockFigure extends LockRun {
  readonly horizon: number;
  readonly seed: number;
  readonly method: LockMethod["name"];
  /** What the run was allowed. */
  readonly budgetTokens: number;
}

/**
 * DR-PO on every lock; then PPO, and DR-PO with the released cut, on the same locks with as many sampled tokens as the
 * slowest seed of DR-PO needed at that H. @throws InterruptedError
 */
export const lockFigures = async (
  options: LockOptions,
  { progress, signal }: StudyContext,
): Promise<readonly LockFigure[]> => {
  const { horizons, seeds } = options;
  const task = progress.start("lock", horizons.length * seeds.length * 3, "runs");
  const figures: LockFigure[] = [];
  const run = async (method: LockMethod, horizon: number, budgetTokens: number): Promise<LockFigure[]> => {
    const runs: LockFigure[] = [];
    for (const seed of seeds) {
      await setImmediate();
      checkSignal({ signal });
      runs.push({ ...(await runOnLock(options, { method, horizon, seed, budgetTokens }, signal)), horizon, seed });
      task.update(figures.length + runs.length);
    }
    figures.push(...runs);
    return runs;
  };
  for (const horizon of horizons) {
    const solved = await run(DR_PO, horizon, options.maxTokens);
    const budgetTokens = Math.max(...solved.map(({ tokens }) => tokens));
    await run(PPO, horizon, budgetTokens);
    await run(RELEASED, horizon, budgetTokens);
  }
  task.end();
  return figures;
};

const runOnLock = async (
  { actions, responses, share, solvedAt }: LockOptions,
  {
    method,
    horizon,
    seed,
    budgetTokens,
  }: { readonly method: LockMethod; readonly horizon: number; readonly seed: number; readonly budgetTokens: number },
  signal?: AbortSignal,
): Promise<Omit<LockFigure, "horizon" | "seed">> => {
  const lock = combinationLock({ horizon, actions, seed: seedAt(seed, "model", horizon) });
  const data = lockData(lock, { responses, share, seed });
  const run = await trainOnLock(lock, { method, data, seed, budgetTokens, solvedAt }, signal);
  return { ...run, method: method.name, budgetTokens };
};
