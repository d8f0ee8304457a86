import { sep } from "node:path";

/**
 * A report as it reads in a folder: paths below it are shown from there, wherever they stand, so that one that is passed on
 * does not tell where it was made.
 * @param folder absolute
 */
export function withRelativePaths<T>(value: T, folder: string): T {
  const prefix = folder.endsWith(sep) ? folder : `${folder}${sep}`;
  return prefix === sep ? value : (shortened(value, prefix) as T);
}

function shortened(value: unknown, prefix: string): unknown {
  if (typeof value === "string") return value.replaceAll(prefix, "");
  if (Array.isArray(value)) return value.map((inner) => shortened(inner, prefix));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shortened(inner, prefix)]));
}
