import { describe, expect, test } from "@jest/globals";
import { BadInputError, InterruptedError } from "../../src/errors.js";
import type { UserRewardContext, UserRewardFunction } from "../../src/ports/reward-function.js";
import { createFunctionReward, functionRewardOptions } from "../../src/rewards/function-reward.js";
import { response } from "./responses.js";

const reward = (fn: UserRewardFunction, options: object = {}) =>
  createFunctionReward(functionRewardOptions.parse({ kind: "function", module: "/score.ts", ...options }), {
    ...{ fn, hash: "ab", where: "reward" },
  });

const three = ["a", "bb", "ccc"].map((text) => response(text));

describe("a user's function", () => {
  test("scores each response, in their order, whenever it answers", async () => {
    const waiting: (() => void)[] = [];
    const fn: UserRewardFunction = ({ responseText }) =>
      new Promise((resolve) => {
        waiting.push(() => resolve(responseText.length));
        // The last to come is the first to be answered.
        if (waiting.length === three.length) waiting.reverse().forEach((answer) => answer());
      });
    const progress: number[][] = [];
    const scores = await reward(fn).score(three, { onProgress: (...step) => progress.push(step) });
    expect(scores).toEqual([1, 2, 3]);
    expect(progress).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  test("sees the response and the options of the recipe", async () => {
    const seen: unknown[] = [];
    const fn = (...[one, { options }]: Parameters<UserRewardFunction>) => {
      seen.push(one, options);
      return 0;
    };
    const one = response("x", { ended: false, sourceId: "s1" });
    await reward(fn, { options: { cost: 0.5 } }).score([one]);
    expect(seen).toEqual([one, { cost: 0.5 }]);
  });

  test("is called for no more than `concurrency` responses at a time", async () => {
    let running = 0;
    let most = 0;
    const fn: UserRewardFunction = async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      return running--;
    };
    await reward(fn, { concurrency: 2 }).score([...three, ...three]);
    expect(most).toBe(2);
  });

  test("depends on its module, its name and its options", () => {
    expect(reward(() => 0, { export: "score", options: { cost: 1 } }).dependsOn).toEqual({
      ...{ module: "ab", export: "score", options: { cost: 1 } },
    });
  });
});

describe("a function that fails", () => {
  test.each([
    [NaN, "NaN"],
    [Infinity, "Infinity"],
    [undefined, "undefined"],
    [null, "null"],
    ["1", "string"],
  ])("gives %p", async (given, name) => {
    const fn = (({ responseText }) => (responseText === "bb" ? given : 0)) as UserRewardFunction;
    const score = reward(fn).score(three);
    await expect(score).rejects.toThrow(BadInputError);
    await expect(score).rejects.toThrow(
      `reward: default of /score.ts gave ${name} for the response "bb" to "Q"; it must give a finite number.`,
    );
  });

  test.each([
    ["throws", () => thrown(new Error("no such word"))],
    ["rejects", () => Promise.reject(new Error("no such word"))],
    ["throws what is no Error", () => thrown("no such word")],
  ])("%s", async (_how, fn) => {
    const score = reward(fn).score([response("x".repeat(200))]);
    await expect(score).rejects.toThrow(BadInputError);
    await expect(score).rejects.toThrow(/failed on the response "x{77}\.\.\." to "Q": no such word/);
  });

  test("stops the others", async () => {
    const seen: AbortSignal[] = [];
    const fn: UserRewardFunction = ({ responseText }, { signal }) => {
      seen.push(signal);
      return responseText === "a" ? thrown(new Error("first")) : new Promise(() => undefined);
    };
    await expect(reward(fn, { concurrency: 2 }).score([...three, ...three])).rejects.toThrow("first");
    expect(seen.length).toBeLessThan(6);
    expect(seen.every(({ aborted }) => aborted)).toBe(true);
  });

  test("because the run is interrupted is no bad input", async () => {
    const user = new AbortController();
    const fn = (_response: unknown, { signal }: UserRewardContext) => {
      user.abort();
      signal.throwIfAborted();
      return 0;
    };
    await expect(reward(fn).score(three, { signal: user.signal })).rejects.toThrow(InterruptedError);
    await expect(reward(() => 0).score(three, { signal: user.signal })).rejects.toThrow(InterruptedError);
  });
});

function thrown(error: unknown): never {
  throw error;
}
