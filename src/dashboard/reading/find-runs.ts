import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";

/** Folders below the one that is shown in which runs are looked for: runs/sweep/run. */
const DEEPEST = 3;
/** A folder with one of these is a run, whole or broken. */
const RUN_FILES = new Set(["recipe.json", "journal.jsonl", "metrics.jsonl"]);

export interface FoundRuns {
  /** Folder by id: its path below the root. */
  readonly runs: ReadonlyMap<string, string>;
  /** Folders that were looked into: a new run appears in one of them. */
  readonly folders: readonly string[];
}

/** The runs in a folder, in the folders in it, and so on; or the folder itself, if it is a run. */
export async function findRuns(root: string): Promise<FoundRuns> {
  const runs = new Map<string, string>();
  const folders: string[] = [];
  const look = async (folder: string, id: string, depth: number): Promise<void> => {
    const entries = await entriesOf(folder);
    if (entries.some((entry) => entry.isFile() && RUN_FILES.has(entry.name))) {
      runs.set(id === "" ? basename(root) : id, folder);
      return;
    }
    folders.push(folder);
    if (depth === DEEPEST) return;
    // A link to a folder counts as one: big runs live elsewhere. Depth bounds loops.
    const inner = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
    for (const { name } of inner.filter((one) => !one.name.startsWith(".")).sort(byName))
      await look(join(folder, name), id === "" ? name : `${id}/${name}`, depth + 1);
  };
  await look(root, "", 0);
  return { runs, folders };
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);

/** What cannot be listed (it is gone, it is no folder, it is somebody else's) has nothing in it. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
