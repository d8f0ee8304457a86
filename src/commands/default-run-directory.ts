import { createHash } from "node:crypto";
import { join } from "node:path";

const LONGEST_SETTINGS = 80;

/**
 * Where a run goes that names no folder: runs/NAME-seedSEED, and what `--set` changed, so that two recipes do not share a
 * folder and the same command finds its own run again.
 * @param settings as given: "policy.reset.proportion=0"
 */
export function defaultRunDirectory(
  { name, seed }: { readonly name: string; readonly seed: number },
  settings: readonly string[] = [],
): string {
  const changes = [...settings].sort().join("-");
  const readable = changes.toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-");
  const hash = createHash("sha256").update(changes).digest("hex").slice(0, 12);
  const suffix = readable.length <= LONGEST_SETTINGS ? readable : hash;
  return join("runs", [`${name}-seed${seed}`, ...(suffix === "" ? [] : [suffix])].join("-"));
}
