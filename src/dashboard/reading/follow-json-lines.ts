import { type FileHandle, open } from "node:fs/promises";
import { withoutByteOrderMark } from "../../config/text-file.js";
import { fileErrorCode } from "../../durable-files/file-error.js";

const CHUNK_BYTES = 1 << 20;
/** How much of what was read last is compared, to tell a file that grew from one that was written anew. */
const REMEMBERED_BYTES = 256;

/** What happens to the lines of a file. */
export interface LineListener {
  onLine(value: unknown, line: number): void;
  /** A complete line that is not JSON. */
  onDamaged(line: number): void;
  /** The file was written anew (a resumed run dropped what was not committed) or is gone: its lines come again. */
  onReset(): void;
}

/**
 * Follows a file of JSON lines that grows: each call reads what was appended since the last, and nothing twice. A line
 * that is being written waits for its end.
 */
export class JsonLinesFollower {
  private offset = 0;
  private line = 0;
  /** Of the file as it was followed last; empty before, and where there is none. */
  stamp = "";
  private identity = -1;
  private remembered: Buffer = Buffer.alloc(0);

  /** @param onRead told how many bytes were read */
  constructor(
    private readonly path: string,
    private readonly listener: LineListener,
    private readonly onRead: (bytes: number) => void = () => {},
  ) {}

  /** @returns whether the file has changed since the last call */
  async follow(): Promise<boolean> {
    const file = await openIfThere(this.path);
    if (file === null) return this.forget("");
    try {
      const { size, mtimeMs, ino } = await file.stat();
      const stamp = `${size} ${mtimeMs} ${ino}`;
      if (stamp === this.stamp) return false;
      const goesOn = ino === this.identity && size >= this.offset && (await this.remembers(file));
      if (!goesOn) this.forget(stamp);
      [this.stamp, this.identity] = [stamp, ino];
      await this.readOn(file, size);
      return true;
    } finally {
      await file.close();
    }
  }

  private forget(stamp: string): boolean {
    const isNew = this.stamp !== stamp;
    if (this.offset > 0) this.listener.onReset();
    [this.offset, this.line, this.stamp, this.remembered] = [0, 0, stamp, Buffer.alloc(0)];
    return isNew;
  }

  private async remembers(file: FileHandle): Promise<boolean> {
    const { length } = this.remembered;
    const found = await this.read(file, this.offset - length, length);
    return found.equals(this.remembered);
  }

  /** Reads complete lines up to `size`, a chunk at a time; a line longer than a chunk makes the chunk grow. */
  private async readOn(file: FileHandle, size: number): Promise<void> {
    let chunkBytes = CHUNK_BYTES;
    while (this.offset < size) {
      const chunk = await this.read(file, this.offset, Math.min(chunkBytes, size - this.offset));
      const complete = chunk.lastIndexOf(0x0a) + 1;
      if (complete > 0) this.take(chunk.subarray(0, complete));
      else if (this.offset + chunk.length >= size || chunk.length === 0) return;
      else chunkBytes *= 2;
    }
  }

  private take(lines: Buffer): void {
    for (const text of lines.toString("utf8").split("\n").slice(0, -1)) this.takeLine(text);
    this.offset += lines.length;
    const both = Buffer.concat([this.remembered, lines.subarray(-REMEMBERED_BYTES)]);
    this.remembered = both.subarray(-REMEMBERED_BYTES);
  }

  private takeLine(text: string): void {
    this.line++;
    let value: unknown;
    try {
      value = JSON.parse(this.line === 1 ? withoutByteOrderMark(text) : text);
    } catch {
      this.listener.onDamaged(this.line);
      return;
    }
    this.listener.onLine(value, this.line);
  }

  private async read(file: FileHandle, position: number, length: number): Promise<Buffer> {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
    this.onRead(bytesRead);
    return buffer.subarray(0, bytesRead);
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(fileErrorCode(error) ?? "")) return null;
    throw error;
  }
}
