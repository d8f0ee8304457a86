import { parentPort } from "node:worker_threads";
import { type LockJob, runLock } from "./lock-job.js";

/** A thread of the lock's studies: answers each job with its run. */
parentPort!.on("message", (job: LockJob) => {
  void runLock(job).then((run) => parentPort!.postMessage(run));
});
