import type { StudyContext } from "../study.js";
import type { LockJob, RunLock } from "./lock-job.js";
import { DR_PO, type LockMethod, PPO, RELEASED } from "./lock-methods.js";
import type { LockRun } from "./train-on-lock.js";
import { greatest } from "../../math/extremes.js";

export interface LockOptions extends Pick<LockJob, "actions" | "responses" | "share" | "solvedAt"> {
  /** Every H that is tried, rising. */
  readonly horizons: readonly number[];
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
  { horizons, seeds, maxTokens, actions, responses, share, solvedAt }: LockOptions,
  { progress, signal }: StudyContext,
  run: RunLock,
): Promise<readonly LockFigure[]> => {
  const task = progress.start("lock", horizons.length * seeds.length * 3, "runs");
  let done = 0;
  const onEverySeed = (method: LockMethod, horizon: number, budgetTokens: number): Promise<readonly LockFigure[]> =>
    Promise.all(
      seeds.map(async (seed) => {
        const of = { method: method.name, horizon, seed, budgetTokens };
        const ended = await run({ ...of, actions, responses, share, solvedAt }, signal);
        task.update(++done);
        return { ...of, ...ended };
      }),
    );
  const figures = await Promise.all(
    horizons.map(async (horizon) => {
      const solved = await onEverySeed(DR_PO, horizon, maxTokens);
      const budgetTokens = greatest(solved.map(({ tokens }) => tokens));
      const others = [PPO, RELEASED].map((method) => onEverySeed(method, horizon, budgetTokens));
      return [...solved, ...(await Promise.all(others)).flat()];
    }),
  );
  task.end();
  return figures.flat();
};
