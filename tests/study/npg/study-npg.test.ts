import { describe, expect, test } from "@jest/globals";
import { BadInputError, InterruptedError } from "../../../src/errors.js";
import { npgFigures } from "../../../src/study/npg/npg-figures.js";
import { NPG_QUICK, studyNpg } from "../../../src/study/npg/study-npg.js";
import { silent } from "../silent-progress.js";

const runs = await npgFigures(NPG_QUICK, { progress: silent });

describe("Algorithm 3 on tables", () => {
  test("is within the bound of Lemma B.8 at every T and lambda, with either critic", () => {
    expect(runs).toHaveLength(2 * 2 * 2 * 3);
    for (const run of runs) expect(run.gap).toBeLessThanOrEqual(run.bound.total);
  });

  test("stays as near to SFT as Lemma B.11 says, in every state at every t", () => {
    for (const run of runs) {
      expect(run.klShare).toBeLessThanOrEqual(1);
      expect(run.kls.map(({ t }) => t)).toEqual([2, 4, 8, 16, 32, 64, 128, 256].filter((t) => t <= run.iterations));
      for (const { kl, bound } of run.kls) {
        expect(kl).toBeGreaterThan(0);
        expect(kl).toBeLessThanOrEqual(bound);
      }
    }
  });

  test("with the exact critic comes nearer to the optimum with T, as its bound does; with T = 1 it is pi_SFT", () => {
    for (const seed of NPG_QUICK.seeds) {
      for (const klCoef of NPG_QUICK.klCoefs) {
        const own = runs.filter((run) => run.critic === "exact" && run.seed === seed && run.klCoef === klCoef);
        expect(own[0]!.gap).toBeCloseTo(own[0]!.referenceGap, 12);
        for (const [i, run] of own.slice(1).entries()) {
          expect(run.criticError).toBe(0);
          expect(run.gap).toBeLessThan(own[i]!.gap);
          expect(run.bound.total).toBeLessThan(own[i]!.bound.total);
        }
      }
    }
  });

  test("has the same figures again from the same seeds", async () => {
    expect(await npgFigures(NPG_QUICK, { progress: silent })).toEqual(runs);
  });
});

describe("the study", () => {
  test("says what holds, in one table and two charts for each critic", async () => {
    const { findings, tables, charts } = await studyNpg(NPG_QUICK, { progress: silent });
    expect(findings.map(({ holds }) => holds)).toEqual([true, true, true, true, true]);
    expect(tables.map(({ rows }) => rows.length)).toEqual([6, 6]);
    expect(charts.map(({ curves }) => curves.length)).toEqual([5, 4, 5, 4]);
  });

  test("refuses sizes that do not fit together", async () => {
    const refused = (changes: Partial<typeof NPG_QUICK>) =>
      studyNpg({ ...NPG_QUICK, ...changes }, { progress: silent });
    await expect(refused({ trajectories: 100 })).rejects.toThrow(BadInputError);
    await expect(refused({ horizon: 12 })).rejects.toThrow("265720 states");
  });

  test("stops when it is asked to", async () => {
    const context = { progress: silent, signal: AbortSignal.abort() };
    await expect(studyNpg(NPG_QUICK, context)).rejects.toThrow(InterruptedError);
  });
});
