import type { RunSummary } from "../api.js";
import { findRuns } from "./find-runs.js";
import { FollowedRun } from "./followed-run.js";

/** Metrics that stay in memory, numbers of 8 bytes: about a hundred runs of ten thousand iterations. */
const MOST_CELLS = 24_000_000;

/** All runs below a folder. A run is addressed by the id that it is listed under, and by nothing else. */
export class RunLibrary {
  private runs: ReadonlyMap<string, FollowedRun> = new Map();
  /** Those whose metrics are in memory, the latest that somebody looked at or that changed at the end. */
  private readonly recent = new Set<FollowedRun>();
  /** Folders to watch: those in which runs appear, and the runs. */
  folders: readonly string[] = [];

  constructor(
    private readonly root: string,
    private readonly onRead: (bytes: number) => void = () => {},
    private readonly mostCells = MOST_CELLS,
  ) {}

  get(id: string): FollowedRun | null {
    return this.runs.get(id) ?? null;
  }

  get all(): readonly FollowedRun[] {
    return [...this.runs.values()];
  }

  get summaries(): readonly RunSummary[] {
    return this.all.map(({ summary }) => summary);
  }

  runIn(folder: string): FollowedRun | null {
    return this.all.find(({ directory }) => directory === folder) ?? null;
  }

  /**
   * Looks for runs, and reads where each new one stands, without its metrics.
   * @returns ids of those that are gone
   */
  async discover(): Promise<readonly string[]> {
    const { runs, folders } = await findRuns(this.root);
    const before = this.runs;
    const now = [...runs].map(([id, directory]) => {
      const there = before.get(id);
      return there?.directory === directory ? there : new FollowedRun(id, directory, this.onRead);
    });
    for (const run of now.filter(({ id }) => !before.has(id))) await run.readState();
    this.runs = new Map(now.map((run) => [run.id, run]));
    this.folders = [...folders, ...runs.values()];
    const gone = [...before.values()].filter((run) => this.runs.get(run.id) !== run);
    for (const run of gone) this.recent.delete(run);
    return gone.map(({ id }) => id).filter((id) => !this.runs.has(id));
  }

  /** Reads what has changed in a run. @returns whether anything has */
  async refresh(run: FollowedRun): Promise<boolean> {
    const hasChanged = await run.refresh();
    if (hasChanged) this.touch(run);
    return hasChanged;
  }

  /** Somebody looks at a run: its metrics stay in memory, and those that nobody looked at for longest go. */
  touch(run: FollowedRun): void {
    this.recent.delete(run);
    this.recent.add(run);
    let cells = [...this.recent].reduce((sum, one) => sum + one.cells, 0);
    for (const old of this.recent) {
      if (cells <= this.mostCells || old === run) return;
      cells -= old.cells;
      old.release();
      this.recent.delete(old);
    }
  }
}
