import { describe, expect, test } from "@jest/globals";
import { readChoice } from "../../src/judge/read-choice.js";

describe("a preference", () => {
  test.each([
    ["Comparison: A is shorter.\nPreferred: A", "A"],
    ['Comparison: B says more.\nPreferred: "B"', "B"],
    ["**Preferred:** B.", "B"],
    ["preferred : b", "B"],
    ["Preferred: Summary A", "A"],
    ["Preferred: (B)", "B"],
    ["Preferred: <A>", "A"],
    // The last one counts: models think aloud.
    ["At first I Preferred: A, but no.\nPreferred: B", "B"],
    ["Preferred: tie", "tie"],
    ["Preferred: a tie", "tie"],
    ["Preferred: Neither", "tie"],
    ["A", "A"],
    [" b. ", "B"],
    ["Tie", "tie"],
  ])("%j is %s", (answer, choice) => {
    expect(readChoice(answer)).toBe(choice);
  });

  test.each([
    "",
    "Comparison: both have their strengths.",
    "I like A better.",
    "Preferred:",
    'Preferred: "A" or "B"',
    "Preferred: <A/B>",
    "Preferred: Apples",
    "B is preferred",
  ])("there is none in %j", (answer) => {
    expect(readChoice(answer)).toBeNull();
  });
});
