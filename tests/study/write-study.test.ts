import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { BadInputError } from "../../src/errors.js";
import type { StudyResult } from "../../src/study/study.js";
import { studyMarkdown } from "../../src/study/study-markdown.js";
import { makeStudyFolder, writeStudy } from "../../src/study/write-study.js";

const RESULT: StudyResult = {
  title: "A <study>",
  description: "Of nothing.",
  findings: [
    { claim: "one", holds: true },
    { claim: "two", holds: false },
  ],
  tables: [
    {
      caption: "Sizes",
      columns: ["H", "tokens"],
      rows: [
        [4, 1234.5678],
        [12, "none"],
      ],
    },
  ],
  charts: [{ title: "Tokens", unit: "", xName: "H", curves: [{ label: "a", colour: 0, points: [{ x: 1, y: 2 }] }] }],
  figures: { rows: [{ horizon: 4 }] },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drpo-study-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("Markdown has the findings, and tables whose columns line up", () => {
  expect(studyMarkdown(RESULT)).toBe(
    [
      "# A <study>\n\nOf nothing.\n\n- Holds: one\n- Does not hold: two\n\nSizes:\n",
      "|   H | tokens |",
      "|----:|-------:|",
      "|   4 |   1235 |",
      "|  12 |   none |\n",
    ].join("\n"),
  );
});

test("page, table and figures lie in the folder; the page loads nothing and escapes what it shows", async () => {
  const directory = join(folder, "a", "b");
  await makeStudyFolder(directory);
  const page = await readFile(await writeStudy(RESULT, directory), "utf8");
  expect(page).toContain("<h1>A &lt;study&gt;</h1>");
  expect(page).toContain("prefers-color-scheme: dark");
  expect(page).not.toMatch(/<script|src=|href=/);
  expect(await readFile(join(directory, "study.md"), "utf8")).toBe(studyMarkdown(RESULT));
  expect(JSON.parse(await readFile(join(directory, "figures.json"), "utf8"))).toEqual(RESULT.figures);
});

test("a file in the folder's place is bad input", async () => {
  const path = join(folder, "file");
  await writeFile(path, "");
  await expect(makeStudyFolder(path)).rejects.toThrow(BadInputError);
});
