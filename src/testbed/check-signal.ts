import { InterruptedError } from "../errors.js";
import type { CallOptions } from "../ports/call-options.js";

/** @throws InterruptedError if the caller wants no more */
export const checkSignal = (options: CallOptions | undefined): void => {
  if (options?.signal?.aborted) throw new InterruptedError("Interrupted.");
};
