import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import { judgeTemplate, readJudgeTemplate } from "../../src/judge/judge-template.js";
import { openaiJudgeOptions } from "../../src/judge/openai-judge-options.js";

const PROMPTS = resolve(import.meta.dirname, "../../prompts");

describe("a template", () => {
  test("is filled, once: what goes into it is not looked through", () => {
    const template = judgeTemplate("{prompt}|{responseA}|{responseB}|{prompt}", "t");
    expect(template({ prompt: "P $& {responseA}", responseA: " a {responseB} ", responseB: "$1\n" })).toBe(
      "P $& {responseA}|a {responseB}|$1|P $& {responseA}",
    );
  });

  test.each([
    ["{prompt} {responseA}", /lacks \{responseB\}/],
    ["{responseA} {responseB} {reference}", /has \{reference\}, which nothing goes into.*\{responseA\}/],
  ])("%s is refused", (text, message) => {
    expect(() => judgeTemplate(text, "the template")).toThrow(BadInputError);
    expect(() => judgeTemplate(text, "the template")).toThrow(message);
  });

  test("that is not there is named", async () => {
    await expect(readJudgeTemplate("/nowhere/t.txt", "evaluation.judges[0]")).rejects.toThrow(
      /evaluation\.judges\[0\]: the template \/nowhere\/t\.txt cannot be read \(ENOENT\)/,
    );
  });
});

test("each task has a template, which asks for the form that is read", async () => {
  const tasks = ["dialogue", "review", "summary"];
  expect(readdirSync(PROMPTS).sort()).toEqual(tasks.map((task) => `judge-${task}.txt`));
  for (const task of tasks) {
    expect(openaiJudgeOptions.safeParse({ kind: "openai", model: "m", task }).success).toBe(true);
    const template = await readJudgeTemplate(join(PROMPTS, `judge-${task}.txt`), task);
    const text = template({ prompt: "THE PROMPT", responseA: "THE FIRST", responseB: "THE SECOND" });
    expect(text).toMatch(/THE PROMPT[^]*A:\nTHE FIRST\n[^]*B:\nTHE SECOND\n[^]*Comparison: [^]*Preferred: /);
  }
});
