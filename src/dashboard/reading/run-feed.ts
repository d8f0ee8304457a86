import type { RunsEvent, RunSummary } from "../api.js";
import type { FollowedRun } from "./followed-run.js";
import type { RunLibrary } from "./run-library.js";
import { FolderWatch } from "./watch-folders.js";

type Listener = (event: RunsEvent) => void;

/** Tells listeners about runs as they go on. Nothing is watched while nobody listens. */
export class RunFeed {
  private readonly listeners = new Set<Listener>();
  private folderWatch: FolderWatch | null = null;
  /** What to look at next: some folders, or all. */
  private waiting: Set<string> | "all" | null = null;
  private looking: Promise<void> | null = null;
  /** As they were told last. */
  private readonly told = new Map<string, string>();

  constructor(
    private readonly library: RunLibrary,
    private readonly pollMs: number,
  ) {}

  /** The first event has all runs as far as they are known; the others what is new. @returns how to stop listening */
  async subscribe(listener: Listener): Promise<() => void> {
    await this.library.discover();
    listener({ isAll: true, runs: this.library.summaries, gone: [] });
    this.listeners.add(listener);
    this.folderWatch ??= new FolderWatch((folders) => this.look(folders), { pollMs: this.pollMs });
    this.look(null);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stopWatching();
    };
  }

  /** Ends when what is under way has ended. */
  async close(): Promise<void> {
    this.listeners.clear();
    this.stopWatching();
    this.waiting = null;
    await this.looking;
  }

  private stopWatching(): void {
    this.folderWatch?.close();
    this.folderWatch = null;
  }

  /** Looks once more after what is under way, however often it is asked meanwhile. */
  private look(folders: ReadonlySet<string> | null): void {
    if (folders === null || this.waiting === "all") this.waiting = "all";
    else this.waiting = new Set([...(this.waiting ?? []), ...folders]);
    this.looking ??= this.lookOn().finally(() => (this.looking = null));
  }

  private async lookOn(): Promise<void> {
    while (this.waiting !== null) {
      const waiting = this.waiting;
      this.waiting = null;
      const found = waiting === "all" ? [] : [...waiting].map((folder) => this.library.runIn(folder));
      const isKnown = waiting !== "all" && found.every((run) => run !== null);
      if (!isKnown) this.tell([], await this.library.discover());
      this.folderWatch?.watch(this.library.folders);
      for (const run of isKnown ? found : this.library.all) await this.lookAt(run);
    }
  }

  private async lookAt(run: FollowedRun): Promise<void> {
    if (this.listeners.size === 0) return;
    await this.library.refresh(run);
    const { summary } = run;
    const known = JSON.stringify(summary);
    if (this.told.get(run.id) === known) return;
    this.told.set(run.id, known);
    this.tell([summary], []);
  }

  private tell(runs: readonly RunSummary[], gone: readonly string[]): void {
    for (const id of gone) this.told.delete(id);
    if (runs.length + gone.length === 0) return;
    for (const listener of this.listeners) listener({ isAll: false, runs, gone });
  }
}
