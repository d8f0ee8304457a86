import { basename } from "node:path";

const SCALE: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, b: 1e9 };

/** How many weights a model has, by its name: "smollm2-135m-instruct" -> 135e6; null for a name without a size. */
export function parametersInName(path: string): number | null {
  const match = /(?:^|[^a-z0-9.])(\d+(?:\.\d+)?)([kmb])(?![a-z0-9])/i.exec(basename(path));
  return match === null ? null : Number(match[1]) * SCALE[match[2]!.toLowerCase()]!;
}
