import { relative } from "node:path";

/** A path as a person would type it from here. */
export function shownPath(path: string, cwd: string): string {
  const fromHere = relative(cwd, path);
  return fromHere === "" ? "." : fromHere.startsWith("..") ? path : fromHere;
}
