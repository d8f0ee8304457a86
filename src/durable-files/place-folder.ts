import { cp, mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, fileErrorCode } from "./file-error.js";

/** On another disk, or onto a mount point: what is renamed within a disk is copied there. */
const NEEDS_COPY: ReadonlySet<string | null> = new Set(["EXDEV", "EBUSY"]);

/** Moves a folder to a place where nothing is, or an empty folder. @throws EnvironmentError if it cannot be written */
export async function placeFolder(from: string, to: string): Promise<void> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to).catch(async (error: unknown) => {
      if (!NEEDS_COPY.has(fileErrorCode(error))) throw error;
      await cp(from, to, { recursive: true });
      await rm(from, { recursive: true });
    });
  } catch (error) {
    throw fileError(error, `writing ${to}`);
  }
}
