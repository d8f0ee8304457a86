import { describe, expect, test } from "@jest/globals";
import { createLexiconJudge, lexiconJudgeOptions, lexiconScore } from "../../src/judge/lexicon-judge.js";

describe("lexiconScore", () => {
  // Compound scores of the Python package vaderSentiment 3.3.2.
  test.each([
    ["VADER is smart, handsome, and funny.", 0.8316],
    ["VADER is smart, handsome, and funny!", 0.8439],
    ["VADER is very smart, handsome, and funny.", 0.8545],
    ["VADER is VERY SMART, handsome, and FUNNY!!!", 0.9342],
    ["The book was good.", 0.4404],
    ["The book was kind of good.", 0.3832],
    ["A really bad, horrible book.", -0.8211],
    ["At least it isn't a horrible book.", 0.431],
    ["Today SUX!", -0.5461],
    ["A gripping movie, played with performances that are all understated and touching.", 0.34],
    ["Horrible.", -0.5423],
    ["", 0],
  ])("%s", (text, compound) => {
    expect(lexiconScore(text)).toBeCloseTo(compound, 4);
  });

  test("does not depend on what was scored before", () => {
    const texts = ["VERY GOOD!!!", "not bad at all", "least good", "A dull, stupid mess."];
    const forwards = texts.map(lexiconScore);
    expect([...texts].reverse().map(lexiconScore).reverse()).toEqual(forwards);
  });
});

describe("the judge", () => {
  const compare = (first: string, second: string) => createLexiconJudge().compare([{ prompt: "P", first, second }]);

  test("prefers the more positive text, and ties when they score the same", async () => {
    expect(await compare("A wonderful film.", "A terrible film.")).toEqual([{ verdict: "first", answers: [] }]);
    expect(await compare("A terrible film.", "A film.")).toEqual([{ verdict: "second", answers: [] }]);
    expect(await compare("A film.", "A movie about a table.")).toEqual([{ verdict: "tie", answers: [] }]);
    expect(await createLexiconJudge().compare([])).toEqual([]);
  });

  test("takes no options but its kind", () => {
    expect(lexiconJudgeOptions.parse({ kind: "lexicon" })).toEqual({ kind: "lexicon" });
    expect(lexiconJudgeOptions.safeParse({ kind: "lexicon", strict: true }).success).toBe(false);
  });
});
