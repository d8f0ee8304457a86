import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileError } from "../../durable-files/file-error.js";

const POLL_MS = 200;
const CHUNK_BYTES = 2 ** 16;
const LINE_END = 0x0a;

/** Reads a log as it is, and what is appended to it until its writer has ended or the user has seen enough. */
export async function followFile(
  path: string,
  options: {
    readonly onData: (data: Uint8Array) => void;
    /** Begin with the last so many lines; all of them if left out. */
    readonly lines?: number | undefined;
    /** The writer will write no more. */
    readonly hasEnded: () => Promise<boolean>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { onData, lines, hasEnded, signal } = options;
  const file = await open(path, "r").catch((error: unknown) => {
    throw fileError(error, `reading ${path}`);
  });
  try {
    let position = lines === undefined ? 0 : await startOfLastLines(file, lines);
    for (;;) {
      // Asked before reading, so that the last words are read.
      const isOver = signal.aborted || (await hasEnded());
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, position);
        if (bytesRead === 0) break;
        onData(buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
      if (isOver) return;
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}

/** The offset at which the last lines begin; looked for from the end, as a log may be long. */
async function startOfLastLines(file: FileHandle, lines: number): Promise<number> {
  let { size: end } = await file.stat();
  // The end of the last line begins no other.
  let toFind = lines + 1;
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let i = end - start - 1; i >= 0; i--) if (buffer[i] === LINE_END && --toFind === 0) return start + i + 1;
    end = start;
  }
  return 0;
}
