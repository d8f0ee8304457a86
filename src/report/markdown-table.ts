import { greatest } from "../math/extremes.js";
export interface MarkdownTable {
  readonly columns: readonly string[];
  /** [rows][columns] */
  readonly rows: readonly (readonly string[])[];
  /** Of all columns but the first, which is on the left unless they are numbers all; right if left out. */
  readonly align?: "left" | "right";
}

/** A table as Markdown whose columns also line up where it is not rendered. Cells cannot break out of their column. */
export function markdownTable({ columns, rows, align = "right" }: MarkdownTable): string {
  const texts = [columns, ...rows].map((row) => row.map(markdownText));
  const widths = columns.map((_, column) => Math.max(3, greatest(texts.map((row) => [...row[column]!].length))));
  const pad = (text: string, width: number) => {
    const room = " ".repeat(width - [...text].length);
    return align === "right" ? room + text : text + room;
  };
  const line = (row: readonly string[]): string => `| ${row.map((text, i) => pad(text, widths[i]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => (align === "right" ? `${"-".repeat(width + 1)}:` : `:${"-".repeat(width + 1)}`)).join("|")}|`;
  return [line(texts[0]!), rule, ...texts.slice(1).map(line)].join("\n");
}

/** A text that Markdown shows as it is, on one line. */
export const markdownText = (text: string): string =>
  text
    .replace(/[^\P{C}\u00ad\u200d]/gu, " ")
    .replace(/[\\`*_[\]<>|~#]/g, (character) => `\\${character}`)
    .trim();
