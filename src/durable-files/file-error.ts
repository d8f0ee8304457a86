import { EnvironmentError } from "../errors.js";

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space",
  EDQUOT: "the disk quota is used up: free some space",
  EACCES: "permission is denied: check who owns it",
  EPERM: "the operation is not permitted here: check who owns it",
  EROFS: "the file system is read-only: choose another folder",
  EIO: "the disk reports an input/output error: check the disk",
  ENOTDIR: "a part of the path is a file, not a folder: choose another path",
  EMFILE: "too many files are open: raise the limit (ulimit -n)",
};

/** The system's error code of a failed file operation (ENOENT, ENOSPC ...); null if it is no such failure. */
export function fileErrorCode(error: unknown): string | null {
  // Not by instanceof: an error of Node's own comes from another realm inside jest and vm contexts.
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : null;
}

/**
 * What to throw for a failed file operation: an EnvironmentError with advice where the machine is the cause, else the
 * error as it came.
 * @param doing what failed, with the path: "writing /runs/a/recipe.json"
 */
export function fileError(error: unknown, doing: string): unknown {
  const advice = ADVICE[fileErrorCode(error) ?? ""];
  return advice === undefined ? error : new EnvironmentError(`While ${doing}, ${advice}.`, { cause: error });
}
