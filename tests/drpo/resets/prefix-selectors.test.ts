import { describe, expect, test } from "@jest/globals";
import { adaptiveFraction } from "../../../src/drpo/resets/adaptive-fraction.js";
import { functionCut } from "../../../src/drpo/resets/function-cut.js";
import { scheduledFraction } from "../../../src/drpo/resets/scheduled-fraction.js";
import { stepBoundaries, stepEnds } from "../../../src/drpo/resets/step-boundaries.js";
import { uniformCut } from "../../../src/drpo/resets/uniform-cut.js";
import { BadInputError } from "../../../src/errors.js";
import { Random } from "../../../src/math/random.js";
import type { Tokenizer } from "../../../src/ports/tokenizer.js";
import { chiSquare, cutRequest, scoredFrom } from "./reset-fixtures.js";

const requests = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => cutRequest(length, { random: new Random(BigInt(i)) }));

describe("uniformCut", () => {
  test.each([
    ["released", 1],
    ["theory", 0],
  ] as const)("prefix lengths follow the %s law", async (law, shortest) => {
    const cuts = await uniformCut(law).cut(requests(10_000, 5), {});
    const counts = Array.from({ length: 5 - shortest }, () => 0);
    for (const cut of cuts) counts[cut!.length - shortest]!++;
    // 99.9 % quantiles of chi-square with 3 and 4 degrees of freedom.
    expect(chiSquare(counts)).toBeLessThan(law === "released" ? 16.27 : 18.47);
  });

  test("of one token: the prompt in theory, no reset as released", async () => {
    expect(await uniformCut("theory").cut([cutRequest(1)], {})).toEqual([{ length: 0 }]);
    expect(await uniformCut("released").cut([cutRequest(1)], {})).toEqual([null]);
  });
});

describe("scheduledFraction", () => {
  const lengthsAt = async (iterations: readonly number[], options = { start: 1, end: 0, overShare: 1 }) =>
    (
      await scheduledFraction(options).cut(
        iterations.map((iteration) => cutRequest(10, { iteration })),
        {},
      )
    ).map((cut) => cut!.length);

  test("slides from the end, never the whole, to the start", async () => {
    expect(await lengthsAt([0, 1, 5, 9])).toEqual([9, 8, 4, 0]);
  });

  test("reaches its end at its share of the iterations and stays there", async () => {
    expect(await lengthsAt([0, 4, 9], { start: 0.8, end: 0.2, overShare: 0.5 })).toEqual([8, 2, 2]);
  });
});

describe("adaptiveFraction", () => {
  const selector = adaptiveFraction({ scoreThreshold: 1 });
  const trial = (id: string, fraction: number, score: number) =>
    scoredFrom({ row: 0, prompt: [1], prefix: [], sourceId: id, fraction, maxNewTokens: 3 }, score);

  test("an example that nobody tried is cut anywhere, one with an interval within it", async () => {
    const anywhere = await selector.cut(requests(2000, 100), {});
    expect(Math.min(...anywhere.map((cut) => cut!.length))).toBeLessThan(3);
    expect(Math.max(...anywhere.map((cut) => cut!.length))).toBeGreaterThan(96);
    const within = await selector.cut(requests(500, 100), { example: [0.25, 0.5] });
    for (const cut of within) {
      expect(cut!.length).toBeGreaterThanOrEqual(25);
      expect(cut!.length).toBeLessThanOrEqual(50);
    }
  });

  test("solved: less is given next; not solved: more; others stay as they were", () => {
    const memory = { untouched: [0.1, 0.2] as const, solved: [0, 1] as const };
    const learnt = selector.learn!(memory, [trial("solved", 0.6, 1), trial("failed", 0.4, 0.9)]);
    expect(learnt).toEqual({ untouched: [0.1, 0.2], solved: [0, 0.6], failed: [0.4, 1] });
  });

  test("the mean over continuations decides", () => {
    expect(selector.learn!({}, [trial("a", 0.5, 2), trial("a", 0.5, 0.5)])).toEqual({ a: [0, 0.5] });
  });

  test("finds the fraction from which an example is solved, and follows when the policy gets better", async () => {
    const search = async (needed: number, start: Readonly<Record<string, readonly [number, number]>>) => {
      let memory = start;
      const late: number[] = [];
      for (let i = 0; i < 200; i++) {
        const [cut] = await selector.cut([cutRequest(1000, { random: new Random(BigInt(i)) })], memory);
        memory = selector.learn!(memory, [trial("example", cut!.fraction!, cut!.fraction! >= needed ? 1 : 0)]);
        if (i >= 100) late.push(cut!.fraction!);
      }
      return { memory, mean: late.reduce((sum, fraction) => sum + fraction, 0) / late.length };
    };
    const hard = await search(0.7, {});
    const easy = await search(0.2, hard.memory);
    expect(hard.mean).toBeGreaterThan(0.5);
    expect(easy.mean).toBeLessThan(0.4);
  });
});

describe("stepBoundaries", () => {
  const WORDS = ["one", "\n", " two", ".", "\n\n", "end"];
  let asked = 0;
  const tokenizer = {
    detokenize: (rows: readonly (readonly number[])[]) => {
      asked += rows.length;
      return Promise.resolve(rows.map((row) => row.map((token) => WORDS[token]).join("")));
    },
  } as unknown as Tokenizer;

  test("cuts right after a step or at the prompt, each as likely; a token's text is asked for once", async () => {
    const selector = stepBoundaries(tokenizer, "\n");
    const response = [0, 1, 2, 3, 4, 5];
    const cuts = await selector.cut(
      Array.from({ length: 3000 }, (_, i) => cutRequest(6, { response, random: new Random(BigInt(i)) })),
      {},
    );
    const counts = new Map<number, number>();
    for (const cut of cuts) counts.set(cut!.length, (counts.get(cut!.length) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([0, 2, 5]);
    expect(chiSquare([...counts.values()])).toBeLessThan(13.8);
    expect(asked).toBe(WORDS.length);
  });

  test("a response of one step is no reset, and a step that ends at the budget is no cut", async () => {
    const selector = stepBoundaries(tokenizer, "\n");
    expect(await selector.cut([cutRequest(2, { response: [0, 2] })], {})).toEqual([null]);
    expect(await selector.cut([cutRequest(2, { response: [0, 1, 2] })], {})).toEqual([null]);
  });

  test("a delimiter may lie across tokens, and overlaps count once", () => {
    expect(stepEnds(["a", "\n", "\n", "b"], "\n\n")).toEqual([3]);
    expect(stepEnds(["xx", "x", "x"], "xx")).toEqual([1, 3]);
    expect(stepEnds(["a. b. c", "d"], ". ")).toEqual([1]);
  });
});

describe("functionCut", () => {
  test("a user's function is given the row's own random numbers, and may be asynchronous", async () => {
    const half = functionCut(({ length, random }) => Promise.resolve(Math.floor((length * random()) / 2)), "cut.ts");
    const first = await half.cut(requests(50, 20), {});
    expect(await half.cut(requests(50, 20), {})).toEqual(first);
    expect(new Set(first.map((cut) => cut!.length)).size).toBeGreaterThan(3);
    expect(await functionCut(() => null, "cut.ts").cut([cutRequest(3)], {})).toEqual([null]);
  });

  test.each([3, -1, 0.5, NaN])("an answer of %p is refused, with the row that it was about", async (answer) => {
    const cut = functionCut(() => answer, "The function default of cut.ts").cut([cutRequest(3, { row: 7 })], {});
    await expect(cut).rejects.toThrow(BadInputError);
    await expect(cut).rejects.toThrow(/default of cut.ts answered .*3 tokens \(row 7 of iteration 1\).*0 to 2/);
  });
});
