import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "./file-error.js";
import { syncFolder } from "./write-file-atomically.js";

/** A file of JSON lines that only grows. Lines land in the order of the calls. */
export interface AppendLog {
  /** @throws EnvironmentError if the line could not be written; the file is then as before. */
  append(value: unknown): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a log for appending, made if it is not there.
 * @param options.durable fsync after each line: when `append` resolves, the line survives a power cut
 * @param options.keepBytes what comes after so many bytes is cut off first (a torn last line)
 */
export async function openAppendLog(
  path: string,
  options: { readonly durable: boolean; readonly keepBytes?: number },
): Promise<AppendLog> {
  let file: FileHandle;
  let bytes: number;
  try {
    file = await open(path, "a");
    if (options.keepBytes !== undefined) await file.truncate(options.keepBytes);
    bytes = (await file.stat()).size;
    await syncFolder(dirname(path));
  } catch (error) {
    throw fileError(error, `opening ${path}`);
  }

  const write = async (line: string): Promise<void> => {
    try {
      await file.appendFile(line);
      if (options.durable) await file.sync();
      bytes += Buffer.byteLength(line);
    } catch (error) {
      // Half a line would run into the next one.
      await file.truncate(bytes);
      throw fileError(error, `appending to ${path}`);
    }
  };

  let last: Promise<void> = Promise.resolve();
  return {
    append(value) {
      const line = `${JSON.stringify(value)}\n`;
      const written = last.then(() => write(line));
      last = written.catch(() => undefined);
      return written;
    },
    async close() {
      await last;
      await file.close();
    },
  };
}
