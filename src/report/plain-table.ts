import Table from "cli-table3";
import { greatest } from "../math/extremes.js";

/** Rows in columns, for a terminal: no lines, two columns three spaces apart. Colours count as nothing wide. */
export function plainTable(
  rows: readonly (readonly string[])[],
  { alignRight = [] }: { readonly alignRight?: readonly number[] } = {},
): string {
  const columns = Math.max(0, greatest(rows.map((row) => row.length)));
  const table = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 3 },
    colAligns: Array.from({ length: columns }, (_, i) => (alignRight.includes(i) ? "right" : "left")),
  });
  for (const row of rows) table.push([...row]);
  return table.toString().replace(/ +$/gm, "");
}

const NO_LINES = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .concat("middle", "left-mid", "mid-mid", "right-mid")
    .map((name) => [name, ""]),
);
