import type { StoredSweepRun } from "../run/sweep-files.js";

/** A run of a sweep that was resolved and found good: what a launcher is given. */
export interface PlannedRun extends StoredSweepRun {
  /** Absolute; the stored one is relative. */
  readonly path: string;
  /** Equal for runs that train the same SFT and reward model, which the first of them computes for all. */
  readonly sharedStages: string;
  /** What it needs: a server of its own on this machine, one of the sweep's, or one that its recipe names. */
  readonly server: "local" | "shared" | "own";
  /**
   * Arguments of `drpo`.
   * @param address of the sweep's server that it is to use, where it needs one
   */
  readonly args: (address: string | null) => readonly string[];
}
