import { expect, test } from "@jest/globals";
import { markdownTable } from "../../src/report/markdown-table.js";

test("columns line up, and no cell leaves its column", () => {
  expect(markdownTable({ columns: ["", "score"], rows: [["a|b\n`c`", "1 \u00b1 2"]] }).split("\n")).toEqual([
    "|            | score |",
    "|-----------:|------:|",
    "| a\\|b \\`c\\` | 1 \u00b1 2 |",
  ]);
});
