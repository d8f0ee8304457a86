import type { Progress } from "../ports/progress.js";

/** Progress that can be told that nothing more will come, however its tasks ended: other output may follow. */
export interface ClosableProgress extends Progress {
  close(): void;
}
