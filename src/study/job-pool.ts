import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import PQueue from "p-queue";
import { checkSignal } from "../testbed/check-signal.js";

/** Does one job: a pure function of it, wherever it runs. @throws InterruptedError once the signal is given */
export type RunJob<Job, Result> = (job: Job, signal?: AbortSignal) => Promise<Result>;

/**
 * Threads that do jobs, each one at a time, as many as there are cores.
 * @param script of a thread: a module that answers each message, a job, with one message, its result
 * @param work is given the pool; when it ends the threads do, whatever they are at
 */
export const withJobPool = async <Job, Result, Outcome>(
  script: URL,
  work: (run: RunJob<Job, Result>) => Promise<Outcome>,
): Promise<Outcome> => {
  const queue = new PQueue({ concurrency: availableParallelism() });
  const [threads, idle]: [Worker[], Worker[]] = [[], []];
  const start = (): Worker => {
    const thread = new Worker(script);
    threads.push(thread);
    return thread;
  };
  const run = (job: Job, signal?: AbortSignal): Promise<Result> =>
    queue.add(async () => {
      checkSignal({ signal });
      const thread = idle.pop() ?? start();
      thread.postMessage(job);
      try {
        // What a thread throws is raised here too.
        const [result] = (await once(thread, "message", { signal })) as [Result];
        idle.push(thread);
        return result;
      } catch (error) {
        checkSignal({ signal });
        throw error;
      }
    });
  try {
    return await work(run);
  } finally {
    queue.clear();
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
};
