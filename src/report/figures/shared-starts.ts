import { differingSettings, type RunGroup, settingText, startOf } from "../group-runs.js";
import type { ReportedRun } from "../reported-run.js";

/** Groups that begin with the same SFT and are measured alike. */
export interface SharedStart {
  /** ", base pythia-1b", where there are several. */
  readonly suffix: string;
  /** Those with an evaluation. Runs of one seed have the same SFT, of which one speaks for all. */
  readonly runs: readonly ReportedRun[];
}

export function sharedStarts(groups: readonly RunGroup[]): readonly SharedStart[] {
  const starts = [...new Set(groups.map(({ start }) => start))].map((start) =>
    groups.filter((one) => one.start === start),
  );
  const differing = differingSettings(starts.map(([first]) => ({ settings: startOf(first!.settings) })));
  return starts.map((same) => {
    const named = differing.slice(0, 2).map((path) => settingText(path, same[0]!.settings));
    const runs = same.flatMap((group) => group.runs).filter(({ evaluation }) => evaluation !== null);
    return { suffix: ["", ...named].join(", "), runs };
  });
}

/** The first of each seed. */
export const firstOfEachSeed = <T extends { readonly seed: number }>(runs: readonly T[]): readonly T[] =>
  runs.filter(({ seed }, i) => runs.findIndex((run) => run.seed === seed) === i);
