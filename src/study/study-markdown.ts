import { formatNumber } from "../report/format-number.js";
import { markdownTable } from "../report/markdown-table.js";
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

const tableMarkdown = ({ caption, columns, rows }: StudyTable): string =>
  `${caption}:\n\n${markdownTable({ columns, rows: rows.map((row) => row.map(cellText)) })}`;
