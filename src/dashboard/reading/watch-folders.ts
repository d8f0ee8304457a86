import { type FSWatcher, watch } from "node:fs";

/** Changes that come one upon the other are told once. */
const SETTLE_MS = 100;
/** The system has few watches for each user; beyond these, the poll has to do. */
const MOST_WATCHES = 256;

/**
 * Tells when something in a folder has changed: at once where the system watches it, one watch a folder, and by a modest
 * poll where it does not (network disks) and for what no file tells (a process that was killed).
 */
export class FolderWatch {
  private readonly watches = new Map<string, FSWatcher>();
  private readonly changed = new Set<string>();
  private settling: NodeJS.Timeout | null = null;
  private readonly poll: NodeJS.Timeout;

  /** @param onChange called with the folders that changed; with null by the poll: look at all */
  constructor(
    private readonly onChange: (folders: ReadonlySet<string> | null) => void,
    { pollMs }: { readonly pollMs: number },
  ) {
    this.poll = setInterval(() => onChange(null), pollMs);
  }

  /** These folders from now on, and no others. */
  watch(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, MOST_WATCHES));
    for (const [folder, watcher] of this.watches) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.watches.delete(folder);
    }
    for (const folder of wanted) if (!this.watches.has(folder)) this.start(folder);
  }

  close(): void {
    clearInterval(this.poll);
    if (this.settling) clearTimeout(this.settling);
    for (const watcher of this.watches.values()) watcher.close();
    this.watches.clear();
  }

  private start(folder: string): void {
    try {
      const watcher = watch(folder, () => this.note(folder));
      // The folder is gone, or the system has no more watches: the poll goes on.
      watcher.on("error", () => {
        watcher.close();
        this.watches.delete(folder);
      });
      this.watches.set(folder, watcher);
    } catch {
      // As above.
    }
  }

  private note(folder: string): void {
    this.changed.add(folder);
    this.settling ??= setTimeout(() => {
      const folders = new Set(this.changed);
      this.changed.clear();
      this.settling = null;
      this.onChange(folders);
    }, SETTLE_MS);
  }
}
