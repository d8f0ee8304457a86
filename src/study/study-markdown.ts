import { formatNumber } from "../report/format-number.js";
import type { StudyResult, StudyTable } from "./study.js";

/** A study's findings and tables as Markdown whose columns also line up where it is not rendered. */
export const studyMarkdown = ({ title, description, findings, tables }: StudyResult): string =>
  [
    `# ${title}`,
    description,
    findings.map(({ claim, holds }) => `- ${holds ? "Holds" : "Does not hold"}: ${claim}`).join("\n"),
    ...tables.map(tableMarkdown),
  ].join("\n\n") + "\n";

/** A cell as it is shown: numbers with three significant digits. */
export const cellText = (cell: string | number): string => (typeof cell === "number" ? formatNumber(cell) : cell);

const tableMarkdown = ({ caption, columns, rows }: StudyTable): string => {
  const texts = [columns, ...rows].map((row) => row.map(cellText));
  const widths = columns.map((_, column) => Math.max(3, ...texts.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padStart(widths[column]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => `${"-".repeat(width + 1)}:`).join("|")}|`;
  return [`${caption}:\n`, line(texts[0]!), rule, ...texts.slice(1).map(line)].join("\n");
};
