import type { SweepReading } from "../run/read-sweep.js";
import { plainTable } from "../report/plain-table.js";
import type { PlannedRun } from "../sweep/planned-run.js";
import { isOpen } from "../sweep/start-order.js";
import { colorsOf, type CommandContext } from "./command-context.js";
import { shownPath } from "./shown-path.js";

/** What `drpo sweep --dry-run --json` prints. */
export interface SweepDryRun {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  readonly runs: readonly {
    readonly name: string;
    readonly recipe: string;
    readonly settings: readonly string[];
    readonly seed: number;
    readonly directory: string;
    readonly state: string;
    /** Whether the sweep would start it, go on with it or wait for it. */
    readonly wouldRun: boolean;
  }[];
}

/** @param reading the sweep as it is; null if it has not begun */
export function dryRunOf(
  {
    sweep,
    directory,
    runs,
  }: {
    readonly sweep: { readonly name: string };
    readonly directory: string;
    readonly runs: readonly PlannedRun[];
  },
  reading: SweepReading | null,
  options: { readonly retryFailed: boolean },
): SweepDryRun {
  const states = new Map(reading?.runs.map(({ name, state }) => [name, state]));
  return {
    ...{ name: sweep.name, directory },
    runs: runs.map(({ name, recipe, settings, seed, path }) => {
      const state = states.get(name) ?? { status: "waiting" as const, iteration: 0, message: null };
      const wouldRun = isOpen(state, options);
      return { name, recipe, settings, seed, directory: path, state: state.status, wouldRun };
    }),
  };
}

/** What `--dry-run` prints for a person. */
export function formatDryRun({ directory, runs }: SweepDryRun, context: CommandContext): string {
  const { bold, dim } = colorsOf(context.stdout, context);
  const rows = runs.map(({ name, state, wouldRun, settings, directory: path }) => [
    ...[name, state, wouldRun ? "would run" : "", shownPath(path, context.cwd), dim(settings.join(" "))],
  ]);
  const head = ["run", "state", "", "folder", "settings"].map((word) => bold(word));
  const count = runs.filter(({ wouldRun }) => wouldRun).length;
  const last = `${count} of ${runs.length} runs would run in ${shownPath(directory, context.cwd)}.`;
  return `${plainTable([head, ...rows])}\n\n${last}`;
}
