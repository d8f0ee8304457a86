/** What a terminal shows of what is written to it: text, line ends, cursor up, and clearing of a line. */
export function createScreen(): { write(text: string): void; lines(): readonly string[] } {
  const rows: string[] = [""];
  let row = 0;
  let column = 0;
  const put = (character: string) => {
    const line = (rows[row] ?? "").padEnd(column);
    rows[row] = line.slice(0, column) + character + line.slice(column + 1);
    column++;
  };
  return {
    write(text) {
      // eslint-disable-next-line no-control-regex
      for (const [part] of text.matchAll(/\u001b\[(\d*)([A-Z])|[\s\S]/gu)) {
        if (part === "\n") {
          row++;
          column = 0;
          rows[row] ??= "";
        } else if (part === "\r") column = 0;
        else if (part.endsWith("K") && part.length > 1) rows[row] = "";
        else if (part.endsWith("A") && part.length > 1) row -= Number(part.slice(2, -1) || 1);
        else put(part);
      }
    },
    lines: () => rows.filter((line) => line !== ""),
  };
}
