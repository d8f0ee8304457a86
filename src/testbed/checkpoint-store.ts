import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What outlives a testbed: JSON texts by uri. Give one store to two testbeds and the second is the first, restarted. */
export interface CheckpointStore {
  /** Where a uri is, for answers that name a folder. */
  path(uri: string): string;
  read(uri: string): string | undefined;
  write(uri: string, text: string): void;
  remove(uri: string): void;
}

export const createMemoryStore = (): CheckpointStore => {
  const texts = new Map<string, string>();
  return {
    path: (uri) => `memory:${uri}`,
    read: (uri) => texts.get(uri),
    write: (uri, text) => void texts.set(uri, text),
    remove: (uri) => void texts.delete(uri),
  };
};

/** One JSON file for each uri, below `folder`. */
export const createFolderStore = (folder: string): CheckpointStore => {
  const path = (uri: string) => join(folder, `${uri}.json`);
  return {
    path,
    read(uri) {
      try {
        return readFileSync(path(uri), "utf8");
      } catch {
        return undefined;
      }
    },
    write(uri, text) {
      mkdirSync(dirname(path(uri)), { recursive: true });
      writeFileSync(path(uri), text);
    },
    remove: (uri) => rmSync(path(uri), { force: true }),
  };
};
