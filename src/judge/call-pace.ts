import PQueue from "p-queue";
import { EnvironmentError, InterruptedError } from "../errors.js";
import type { Endpoint } from "../http/endpoint.js";

/** The budget of an evaluation is used up. */
export class BudgetUsedUpError extends EnvironmentError {}

/**
 * Lets requests through as fast as they may be made, and no more of them than are paid for.
 * @param limits.requestsPerMinute evenly spaced; undefined: at once
 * @param limits.maxCalls in the life of this; undefined: any number
 * @throws BudgetUsedUpError (when a request is paced) beyond maxCalls; InterruptedError when aborted while waiting
 */
export function callPace(limits: {
  readonly requestsPerMinute: number | undefined;
  readonly maxCalls: number | undefined;
  readonly where: string;
}): NonNullable<Endpoint["pace"]> {
  const { requestsPerMinute, maxCalls = Infinity, where } = limits;
  const queue =
    requestsPerMinute === undefined
      ? null
      : new PQueue({ intervalCap: 1, interval: 60_000 / requestsPerMinute, strict: true });
  let calls = 0;
  return async (attempt, signal) => {
    const spend = () => {
      if (calls >= maxCalls)
        throw new BudgetUsedUpError(
          `${where}: the budget of maxCalls = ${maxCalls} is used up. Raise it, or go on with another budget.`,
        );
      calls++;
      return attempt();
    };
    // Nobody waits for a turn that will not come.
    if (!queue || calls >= maxCalls) return spend();
    try {
      return await queue.add(spend, { signal });
    } catch (cause) {
      if (signal.aborted) throw new InterruptedError(`${where}: interrupted.`, { cause });
      throw cause;
    }
  };
}
