/** What a block is drawn on. */
export interface BlockStream {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Lines at the bottom of a terminal that are drawn over, again and again. */
export interface LiveBlock {
  draw(lines: readonly string[]): void;
  /** Leaves what was drawn last: other output may follow. */
  close(): void;
}

const CLEAR_LINE = "\x1b[2K";
const lineUp = (lines: number): string => (lines > 0 ? `\x1b[${lines}A` : "");

/** No line may be wider than the terminal: it would wrap, and could not be drawn over. */
export function liveBlock(stream: BlockStream): LiveBlock {
  let drawn: readonly string[] = [];
  return {
    draw(lines) {
      if (lines.join("\n") === drawn.join("\n")) return;
      const left = Math.max(drawn.length - lines.length, 0);
      const written = lines.map((line) => `${CLEAR_LINE}${line}\n`).join("");
      stream.write(`${lineUp(drawn.length)}\r${written}${`${CLEAR_LINE}\n`.repeat(left)}${lineUp(left)}`);
      drawn = lines;
    },
    close() {
      drawn = [];
    },
  };
}
