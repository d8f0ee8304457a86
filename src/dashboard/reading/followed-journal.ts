import type { Commit } from "../../ports/run-directory.js";
import { type JournalEntry, journalEntrySchema, runPaths } from "../../run/run-files.js";
import { type RunState, runState } from "../../run/run-state.js";
import { JsonLinesFollower } from "./follow-json-lines.js";

/** What the journal of a run says so far: sessions, the last commit, how the last session ended. */
export class FollowedJournal {
  sessions = 0;
  lastCommit: Commit | null = null;
  private startedAt: string | null = null;
  private lastSession: JournalEntry | null = null;
  private commitEntry: JournalEntry | null = null;
  private damaged: number[] = [];
  private readonly path: string;
  private readonly follower: JsonLinesFollower;

  constructor(
    private readonly directory: string,
    onRead: (bytes: number) => void,
  ) {
    this.path = runPaths(directory).journal;
    const listener = {
      onLine: (value: unknown, line: number) => this.take(value, line),
      onDamaged: (line: number) => void this.damaged.push(line),
      onReset: () => this.reset(),
    };
    this.follower = new JsonLinesFollower(this.path, listener, onRead);
  }

  follow(): Promise<boolean> {
    return this.follower.follow();
  }

  get stamp(): string {
    return this.follower.stamp;
  }

  /** When its first session began, ISO 8601. */
  get began(): string | null {
    return this.startedAt;
  }

  get problems(): readonly string[] {
    const [first] = this.damaged;
    return first === undefined ? [] : [`${this.path}:${first}: the line is no journal entry.`];
  }

  /** Looks at the lock too, so it can change while the file stays. */
  state(): Promise<RunState> {
    return runState(
      this.directory,
      [this.lastSession, this.commitEntry].filter((entry) => entry !== null),
    );
  }

  private take(value: unknown, line: number): void {
    const entry = journalEntrySchema.safeParse(value).data;
    if (!entry) {
      this.damaged.push(line);
    } else if (entry.event === "commit") {
      this.commitEntry = entry;
      this.lastCommit = entry.commit;
    } else {
      this.lastSession = entry;
      if (entry.event === "opened") this.sessions++;
      this.startedAt ??= entry.at;
    }
  }

  private reset(): void {
    [this.sessions, this.lastCommit, this.startedAt] = [0, null, null];
    [this.lastSession, this.commitEntry, this.damaged] = [null, null, []];
  }
}
