import { seedAt } from "../../math/seeds.js";
import { combinationLock } from "../../testbed/combination-lock.js";
import type { RunJob } from "../job-pool.js";
import { lockData } from "./lock-data.js";
import { type LockMethod, methodNamed } from "./lock-methods.js";
import { type LockRun, trainOnLock } from "./train-on-lock.js";

/** One run on one lock, as plain data: the seed decides the lock, its data and all noise. */
export interface LockJob {
  readonly method: LockMethod["name"];
  readonly horizon: number;
  /** Tokens to choose from. */
  readonly actions: number;
  /** Size of D_TR, and the share of it that is the right response. */
  readonly responses: number;
  readonly share: number;
  readonly seed: number;
  /** The run ends after so many sampled tokens, or when success is at least `solvedAt`. */
  readonly budgetTokens: number;
  readonly solvedAt: number;
}

export type RunLock = RunJob<LockJob, LockRun>;

/** In this thread. */
export const runLock: RunLock = (job, signal) => {
  const { horizon, actions, seed } = job;
  const lock = combinationLock({ horizon, actions, seed: seedAt(seed, "model", horizon) });
  return trainOnLock(lock, { ...job, method: methodNamed(job.method), data: lockData(lock, job) }, signal);
};
