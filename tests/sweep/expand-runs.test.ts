import { describe, expect, test } from "@jest/globals";
import { parseSetting } from "../../src/config/apply-settings.js";
import { sweepSchema } from "../../src/config/sweep.js";
import { expandRuns } from "../../src/sweep/expand-runs.js";

const expand = (sweep: object) => expandRuns(sweepSchema.parse({ name: "s", recipe: "/r.json", ...sweep }));
const names = (sweep: object) => expand(sweep).map(({ name }) => name);

describe("the runs of a grid", () => {
  const grid = (fields: object) => ({ kind: "grid", fields });

  test("are every combination with every seed, the first seed's first", () => {
    const runs = expand({
      seeds: [1, 7],
      set: { "sft.seed": 1 },
      runs: grid({ "policy.reset.proportion": [0, 0.5], "policy.klCoef": [0.05] }),
    });
    expect(runs.map(({ name }) => name)).toEqual([
      "proportion=0-klCoef=0.05-seed1",
      "proportion=0.5-klCoef=0.05-seed1",
      "proportion=0-klCoef=0.05-seed7",
      "proportion=0.5-klCoef=0.05-seed7",
    ]);
    expect(runs[3]).toEqual({
      name: "proportion=0.5-klCoef=0.05-seed7",
      configuration: "proportion=0.5-klCoef=0.05",
      recipe: "/r.json",
      settings: ["sft.seed=1", "policy.reset.proportion=0.5", "policy.klCoef=0.05", "seed=7"],
      seed: 7,
    });
  });

  test("keep the recipe's seed where none is given", () => {
    const [run] = expand({ runs: grid({ "policy.klCoef": [1] }) });
    expect(run).toMatchObject({ name: "klCoef=1", settings: ["policy.klCoef=1"], seed: null });
  });

  test("are named by as many words of a field as tell it from the others", () => {
    const fields = { "policy.algorithm.kind": ["rloo"], "sft.batchSize": [4], "policy.batchSize": [8] };
    expect(names({ runs: grid(fields) })).toEqual(["algorithm.kind=rloo-sft.batchSize=4-policy.batchSize=8"]);
  });

  test("keep their names when values are added, and are there once", () => {
    const before = names({ seeds: [1], runs: grid({ a: [1, 2] }) });
    const after = names({ seeds: [1, 2], runs: grid({ a: [3, 1, 2, 2] }) });
    expect(after).toEqual(expect.arrayContaining([...before]));
    expect(after).toHaveLength(6);
  });

  test("have names of folders whatever the values are", () => {
    const values = ["../up", "a b", "1", { kind: "uniform", law: "released" }, [1, 2], "x".repeat(200), null, true];
    const all = names({ runs: grid({ "policy.reset.selector": values }) });
    expect(new Set(all).size).toBe(values.length);
    for (const name of all) expect(name).toMatch(/^selector=[\w.~+-]{1,48}$/);
  });

  test("set what was meant: a text that looks like a number stays a text", () => {
    const values = ["1", "true", "ppo", "a=b", 1, true, { a: [1] }];
    const settings = expand({ runs: grid({ "a.b": values }) }).map((run) => parseSetting(run.settings[0]!).value);
    expect(settings).toEqual(values);
  });
});

test("a list's runs have their own names, recipes and fields over those of all", () => {
  const runs = expand({
    seeds: [3],
    set: { a: 1 },
    runs: {
      kind: "list",
      runs: [
        { name: "ppo", set: { a: 2 } },
        { name: "dpo", recipe: "/dpo.json" },
      ],
    },
  });
  expect(runs).toEqual([
    { name: "ppo-seed3", configuration: "ppo", recipe: "/r.json", settings: ["a=2", "seed=3"], seed: 3 },
    { name: "dpo-seed3", configuration: "dpo", recipe: "/dpo.json", settings: ["a=1", "seed=3"], seed: 3 },
  ]);
});

describe("random draws", () => {
  const fields = {
    "policy.klCoef": { uniform: [0, 1] },
    "policy.optimizer.learningRate": { logUniform: [1e-5, 1e-1] },
    "policy.iterations": { integers: [3, 5] },
    "policy.reset.proportion": { choice: [0, 1] },
  };
  const random = (changes: object = {}) =>
    expand({ runs: { kind: "random", count: 400, seed: 1, fields, ...changes } });
  const drawn = (field: string): readonly number[] =>
    random().map(({ settings }) => Number(settings.find((one) => one.startsWith(`${field}=`))!.split("=")[1]));

  test("are from the distribution that was asked for", () => {
    const share = (values: readonly number[], isIn: (x: number) => boolean) =>
      values.filter(isIn).length / values.length;
    // 400 draws: 0.1 is four standard deviations.
    expect(Math.abs(share(drawn("policy.klCoef"), (x) => x < 0.5) - 0.5)).toBeLessThan(0.1);
    expect(Math.abs(share(drawn("policy.optimizer.learningRate"), (x) => x < 1e-3) - 0.5)).toBeLessThan(0.1);
    for (const value of [3, 4, 5])
      expect(Math.abs(share(drawn("policy.iterations"), (x) => x === value) - 1 / 3)).toBeLessThan(0.1);
    expect(new Set(drawn("policy.reset.proportion"))).toEqual(new Set([0, 1]));
    for (const rate of drawn("policy.optimizer.learningRate")) {
      expect(rate).toBeGreaterThanOrEqual(1e-5);
      expect(rate).toBeLessThanOrEqual(1e-1);
      expect(rate).toBe(Number(rate.toPrecision(4)));
    }
  });

  test("are unique by name, and stay when more are drawn or a field is added", () => {
    const all = random();
    expect(new Set(all.map(({ name }) => name)).size).toBe(400);
    expect(random({ count: 2 })).toEqual(all.slice(0, 2));
    const more = random({ count: 1, fields: { ...fields, "policy.clipRange": { uniform: [0, 1] } } })[0]!;
    expect(more.settings).toEqual(expect.arrayContaining([...all[0]!.settings]));
    expect(random({ seed: 2 })[0]!.settings).not.toEqual(all[0]!.settings);
  });
});
