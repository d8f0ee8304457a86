import picocolors from "picocolors";
import { barProgress } from "./bar-progress.js";
import type { ClosableProgress } from "./closable-progress.js";
import { lineProgress } from "./line-progress.js";
import { systemProgressClock, type ProgressClock } from "./progress-clock.js";

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Bars with the time left on a terminal, plain lines elsewhere. */
export function createProgress(
  stream: ProgressStream,
  options: { readonly useColor: boolean; readonly isDumb?: boolean; readonly clock?: ProgressClock },
): ClosableProgress {
  const { useColor, isDumb = false, clock = systemProgressClock } = options;
  if (!stream.isTTY || isDumb) return lineProgress(stream, clock);
  return barProgress(stream, clock, picocolors.createColors(useColor).dim);
}
