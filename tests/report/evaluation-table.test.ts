import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { evaluationTable, exampleLines } from "../../src/report/evaluation-table.js";
import { evaluation } from "../run/run-fixtures.js";

const example = {
  prompt: "Write.\n",
  sft: { text: "Dull.", score: -0.5 },
  policy: { text: "Won\nder\u001b[2Jful \u202e!", score: 1.25 },
};

describe("evaluationTable", () => {
  test("has each metric with its interval, and what the intervals say", () => {
    const table = evaluationTable(evaluation(), { color: false });
    expect(table).toMatch(/Reward score +0\.02 +\(−0\.08 to 0\.12\) +1\.24 +\(1\.14 to 1\.34\)/);
    expect(table).toMatch(/Score difference +\+1\.22 +\(\+1\.08 to \+1\.36\) +above 0\n/);
    expect(table).toMatch(/Win rate against SFT \[1\] +74\.2 % +\(69\.4 to 79\.0 %\) +above 50 %/);
    expect(table).toMatch(/ROUGE-L +25\.0 %/);
    expect(table).toMatch(/\nWin rate against reference \[1\] +61\.0 %/);
    expect(table).toMatch(/\nSFT's win rate against reference \[1\] +31\.6 % +\(25\.6 to 37\.6 %\) +below 50 %/);
    expect(table).toMatch(/Judges: \[1\] lexicon, \[2\] model\. A tie counts one half\.\nReferences score 0\.91\./);
    expect(table).toMatch(/256 responses of each model.*iteration 4\./);
  });

  test("says in which units scores are, and has no accuracy where nobody ranked what is held out", () => {
    const normalised = evaluationTable(evaluation(), { color: false });
    expect(normalised).toMatch(/Scores in standard deviations of SFT samples/);
    expect(normalised).toMatch(/Reward accuracy +81\.0 %/);
    const scoreScale = { mean: 0, standardDeviation: 1 };
    const raw = evaluationTable({ ...evaluation(), scoreScale, rewardAccuracy: null }, { color: false });
    expect(raw).toMatch(/Scores in units of the reward/);
    expect(raw).not.toMatch(/accuracy/);
  });

  test("has comparisons and the reward's accuracy under names of their own", () => {
    const lines = evaluationTable(evaluation(), { color: false }).split("\n");
    const sections = ["Comparisons", "Reward, on held-out pairs"].map((name) => lines.indexOf(name));
    const place = (label: string) => lines.findIndex((line) => line.startsWith(label));
    expect(sections[0]).toBeGreaterThan(place("ROUGE-L"));
    expect(place("Score difference")).toBe(sections[0]! + 1);
    expect(place("SFT's win rate")).toBeLessThan(sections[1]!);
    expect(place("Reward accuracy")).toBe(sections[1]! + 1);
    const without = evaluationTable({ ...evaluation(), rewardAccuracy: null }, { color: false });
    expect(without).not.toMatch(/held-out pairs/);
  });

  test("says when an interval holds no change or lies below it", () => {
    const { difference, ...rest } = evaluation();
    const winRate = { mean: 0.5, low: 0.44, high: 0.56, n: 256 };
    const winRates = [{ judge: "lexicon", of: "policy", against: "sft", winRate, ties: 0, unjudged: 0 }] as const;
    const score = { mean: -1, low: -1.2, high: -0.8, n: 256 };
    const table = evaluationTable({ ...rest, winRates, difference: { ...difference, score } }, { color: false });
    expect(table).toMatch(/around 50 %/);
    expect(table).toMatch(/below 0\n/);
  });

  test("fits a narrow terminal, has no trailing spaces, and is the same text with and without colour", () => {
    const plain = evaluationTable(evaluation(), { color: false });
    expect(
      Math.max(
        ...plain
          .split("\n")
          .slice(0, 20)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
    expect(plain).not.toMatch(/ $/m);
    const coloured = evaluationTable(evaluation(), { color: true });
    expect(coloured).toContain("\u001b[32m");
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });
});

describe("exampleLines", () => {
  test("shows the shared prompt once, and both responses with their scores", () => {
    expect(exampleLines([example, example], { color: false })).toEqual([
      "Write.",
      "  SFT     −0.50  Dull.",
      "  policy  +1.25  Won der\ufffd[2Jful \ufffd!",
      "",
      "  SFT     −0.50  Dull.",
      "  policy  +1.25  Won der\ufffd[2Jful \ufffd!",
    ]);
  });

  test("shows each prompt where they differ, and nothing of nothing", () => {
    const lines = exampleLines([example, { ...example, prompt: "Speak." }], { color: false });
    expect(lines.filter((line) => /^\S/.test(line))).toEqual(["Write.", "Speak."]);
    expect(exampleLines([])).toEqual([]);
  });
});
