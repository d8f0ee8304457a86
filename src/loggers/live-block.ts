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

/** No line may be wider than the terminal: it would wrap, and could not be drawn over. */
export function liveBlock(stream: BlockStream): LiveBlock {
  let drawn: readonly string[] = [];
  return {
    draw(lines) {
      if (lines.join("\n") === drawn.join("\n")) return;
      const up = drawn.length > 0 ? `\x1b[${drawn.length}A` : "";
      // Clears what is right of each line, and what an earlier block left below.
      stream.write(`${up}\r${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
      drawn = lines;
    },
    close() {
      drawn = [];
    },
  };
}
