import { expect, test } from "@jest/globals";
import { NO_FAULTS } from "../../../src/testbed/fleet/call-faults.js";
import { clairvoyantSchedules, leastPossibleMs } from "../../../src/testbed/fleet/clairvoyant-schedule.js";
import { listSchedule } from "../../../src/testbed/fleet/list-schedule.js";
import { fastRandom } from "../../../src/math/fast-random.js";

const speed = { maxRows: 1, prefillTokensPerSecond: 1000, stepMs: 1, stepMsPerRow: 0 };
const conditions = { endpoints: 2, speed, slots: 1, faultOf: NO_FAULTS, silenceMs: 100, downMs: 500 };
const calls = (...lengths: number[]) =>
  lengths.map((newTokens, i) => ({ key: BigInt(i), rows: [{ newTokens, prefillTokens: 0 }] }));
const ends = (schedule: ReturnType<typeof listSchedule>) =>
  schedule.map(({ call, endMs }) => [Number(call.key), endMs] as const);

test("the next call goes where there is room", () => {
  expect(ends(listSchedule(calls(5, 3, 3), conditions))).toEqual([
    [1, 3],
    [0, 5],
    [2, 6],
  ]);
});

test("a schedule that knows the lengths is no slower than the list as it came, and no faster than is possible", () => {
  const random = fastRandom(1n);
  const list = calls(...Array.from({ length: 60 }, () => 1 + Math.floor(random() ** 3 * 100)));
  const least = leastPossibleMs(
    list.flatMap(({ rows }) => rows),
    2,
    speed,
  );
  const known = Math.min(...clairvoyantSchedules([list], conditions).map((schedule) => schedule.at(-1)!.endMs));
  expect(known).toBeGreaterThanOrEqual(least);
  expect(known).toBeLessThanOrEqual(listSchedule(list, conditions).at(-1)!.endMs);
  expect(known).toBeLessThan(1.02 * least);
});

const first = (kind: "refused" | "dropped" | "stalled" | "death", afterMs: number) => (key: bigint, attempt: number) =>
  key === 0n && attempt === 0 ? { kind, afterMs } : undefined;

test("a call that meets a fault is served again", () => {
  const served = (faultOf: typeof NO_FAULTS) =>
    ends(listSchedule(calls(5, 20), { ...conditions, faultOf })).filter(([key]) => key === 0);
  expect(served(first("refused", 0))).toEqual([[0, 5]]);
  expect(served(first("dropped", 4))).toEqual([[0, 4 + 5]]);
  expect(served(first("stalled", 4))).toEqual([[0, 4 + 100 + 5]]);
  // Its endpoint is down, so it waits for the other one.
  expect(served(first("death", 4))).toEqual([[0, 20 + 5]]);
  // Over before anything happened.
  expect(served(first("death", 6))).toEqual([[0, 5]]);
});
