import { EnvironmentError } from "../errors.js";

/** What a failed file operation means, and what to do about it, by the system's code. */
const CAUSES: Readonly<Record<string, readonly [cause: string, advice: string]>> = {
  ENOSPC: ["the disk is full", "free some space"],
  EDQUOT: ["the disk quota is used up", "free some space"],
  EACCES: ["permission is denied", "check who owns it"],
  EPERM: ["the operation is not permitted here", "check who owns it"],
  EROFS: ["the file system is read-only", "choose another folder"],
  EIO: ["the disk reports an input/output error", "check the disk"],
  ENOTDIR: ["a part of the path is a file, not a folder", "choose another path"],
  EEXIST: ["there is a file where a folder should be", "move it away, or choose another path"],
  EISDIR: ["there is a folder where a file should be", "move it away, or choose another path"],
  ELOOP: ["a link in the path leads back to itself", "choose another path"],
  ENAMETOOLONG: ["the path is too long", "choose a shorter one"],
  EBUSY: ["it is in use by the system", "choose another path"],
  ESTALE: ["the network file system lost it", "mount it again"],
  EMFILE: ["too many files are open", "raise the limit (ulimit -n)"],
  ENFILE: ["too many files are open", "end other programs"],
};

/** The system's error code of a failed file operation (ENOENT, ENOSPC ...); null if it is no such failure. */
export function fileErrorCode(error: unknown): string | null {
  // Not by instanceof: an error of Node's own comes from another realm inside jest and vm contexts.
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : null;
}

/** "the disk is full": why a file operation failed, as the system's code tells. */
export const causeOf = (error: unknown): string => {
  const code = fileErrorCode(error);
  return CAUSES[code ?? ""]?.[0] ?? code ?? String(error);
};

/**
 * What to throw for a failed file operation: an EnvironmentError with advice where the machine is the cause, else the
 * error as it came.
 * @param doing what failed, with the path: "writing /runs/a/recipe.json"
 */
export function fileError(error: unknown, doing: string): unknown {
  const known = CAUSES[fileErrorCode(error) ?? ""];
  return known === undefined ? error : new EnvironmentError(`While ${doing}, ${known.join(": ")}.`, { cause: error });
}
