import { type EngineRow, type EngineSpeed, stepDurationMs } from "./batching-engine.js";
import { type EndedCall, type KnownCall, listSchedule, type ScheduleConditions, tokensOf } from "./list-schedule.js";

const longestRow = ({ rows }: KnownCall): number => rows.reduce((most, { newTokens }) => Math.max(most, newTokens), 0);

const byLongestRow = (a: KnownCall, b: KnownCall): number => longestRow(b) - longestRow(a) || tokensOf(b) - tokensOf(a);
const bySum = (a: KnownCall, b: KnownCall): number => tokensOf(b) - tokensOf(a) || longestRow(b) - longestRow(a);

/**
 * The orders of a list that are tried: longest processing time first (Graham 1969), by the longest row and by the sum; and,
 * as what is scored meanwhile had better end early, shortest first and as the list came.
 */
const ORDERS: readonly ((a: KnownCall, b: KnownCall) => number)[] = [
  byLongestRow,
  bySum,
  (a, b) => byLongestRow(b, a),
  () => 0,
];

/**
 * List schedules that know every length: each cut of the rows into calls in each order, endpoints given as many calls as
 * fill them twice, or all at once. The best of them is what a scheduler with this knowledge is able to do; the best
 * of all schedules is better by at most what `leastPossibleMs` leaves.
 */
export const clairvoyantSchedules = <Call extends KnownCall>(
  cuts: readonly (readonly Call[])[],
  conditions: Omit<ScheduleConditions, "slots">,
): readonly (readonly EndedCall<Call>[])[] =>
  cuts.flatMap((calls) =>
    ORDERS.flatMap((order) =>
      [slotsToFill(calls, conditions.speed), Infinity].map((slots) =>
        listSchedule([...calls].sort(order), { ...conditions, slots }),
      ),
    ),
  );

/** Calls that fill an engine twice: the second half takes the rows' places that become free. */
const slotsToFill = (calls: readonly KnownCall[], { maxRows }: EngineSpeed): number => {
  const rows = calls.reduce((sum, call) => sum + call.rows.length, 0) / calls.length;
  return Math.max(1, Math.ceil((2 * maxRows) / rows));
};

/**
 * What no schedule can be faster than: all work at the engines' full speed, or the longest row on an engine of its own,
 * whichever takes longer.
 * @returns ms
 */
export const leastPossibleMs = (rows: readonly EngineRow[], endpoints: number, speed: EngineSpeed): number => {
  const { maxRows, prefillTokensPerSecond } = speed;
  const prefillMs = (tokens: number) => (tokens / prefillTokensPerSecond) * 1000;
  const newTokens = rows.reduce((sum, row) => sum + row.newTokens, 0);
  const prefillTokens = rows.reduce((sum, row) => sum + row.prefillTokens, 0);
  const work = (newTokens * stepDurationMs(speed, maxRows)) / maxRows + prefillMs(prefillTokens);
  const alone = rows.map((row) => row.newTokens * stepDurationMs(speed, 1) + prefillMs(row.prefillTokens));
  return Math.max(
    work / endpoints,
    alone.reduce((most, one) => Math.max(most, one), 0),
  );
};
