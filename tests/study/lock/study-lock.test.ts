import { beforeAll, describe, expect, test } from "@jest/globals";
import { BadInputError } from "../../../src/errors.js";
import type { LockOptions } from "../../../src/study/lock/lock-figures.js";
import type { LockRow } from "../../../src/study/lock/lock-rows.js";
import { LOCK, studyLock } from "../../../src/study/lock/study-lock.js";
import { seedsUpTo, type StudyResult } from "../../../src/study/study.js";
import { silent as progress } from "../silent-progress.js";

/** 3^-12 is one response in half a million: more than any budget here. */
const OPTIONS: LockOptions = { ...LOCK, horizons: [4, 12], seeds: seedsUpTo(2) };

describe("studyLock", () => {
  let result: StudyResult;
  let rows: readonly LockRow[];
  beforeAll(async () => {
    result = await studyLock(OPTIONS, { progress });
    rows = result.figures["rows"] as readonly LockRow[];
  });
  const rowOf = (method: LockRow["method"], horizon: number) =>
    rows.find((row) => row.method === method && row.horizon === horizon)!;

  test("at H = 12 DR-PO solves every lock with tokens in which PPO stays under 0.1", () => {
    const [drpo, ppo] = [rowOf("dr-po", 12), rowOf("ppo", 12)];
    expect(drpo.solved).toBe(2);
    expect(drpo.lowestSuccess).toBeGreaterThanOrEqual(0.9);
    expect(ppo.highestSuccess).toBeLessThan(0.1);
    // The same number of sampled tokens: the most that DR-PO took.
    expect(ppo.budgetTokens).toBeGreaterThanOrEqual(drpo.tokensToSolve!);
    expect(ppo.budgetTokens).toBe(rowOf("released", 12).budgetTokens);
  });

  test("with the released cut the first token of a table is never learnt", () => {
    for (const { highestSuccess } of rows.filter(({ method }) => method === "released"))
      expect(highestSuccess).toBeLessThanOrEqual(1 / OPTIONS.actions + 1e-9);
    // All but the first are.
    expect(rowOf("released", 4).lowestSuccess).toBeGreaterThan(0.28);
  });

  test("what DR-PO needs grows slower than what blind search does", () => {
    const grown = rowOf("dr-po", 12).tokensToSolve! / rowOf("dr-po", 4).tokensToSolve!;
    expect(grown).toBeLessThan(3 ** 8 / 100);
  });

  test("shows tokens to solve on a logarithmic scale, a table a method, and every run", () => {
    expect(result.charts[0]).toMatchObject({ title: "Tokens to solve", isLogY: true, xName: "H" });
    expect(result.charts[0]!.curves[0]!.points.map(({ x }) => x)).toEqual([4, 12]);
    expect(result.tables.map(({ rows: lines }) => lines.length)).toEqual([2, 2, 2]);
    expect(result.figures["runs"]).toHaveLength(2 * 2 * 3);
  });
});

test("the same seeds give the same figures", async () => {
  const small = { ...OPTIONS, horizons: [3], seeds: [5] };
  const twice = [await studyLock(small, { progress }), await studyLock(small, { progress })];
  expect(twice[0]!.figures).toEqual(twice[1]!.figures);
});

test("data without a right response is bad input", async () => {
  await expect(studyLock({ ...OPTIONS, share: 0.01 }, { progress })).rejects.toThrow(BadInputError);
});

test("a study that is stopped says so", async () => {
  const signal = AbortSignal.abort();
  await expect(studyLock(OPTIONS, { progress, signal })).rejects.toThrow(/interrupt/i);
});
