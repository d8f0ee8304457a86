import type { MeanAndSpread } from "../math/mean-and-spread.js";
import { plainTable } from "../report/plain-table.js";
import type { BenchSummary, ModeSummary } from "./summarise-bench.js";
import { greatest, least } from "../math/extremes.js";

/** What is asked of the orchestrator. */
const LEAST_SHARE = 0.95;
const MOST_BYTES = 2 ** 30;
const MOST_CORES = 1;

const GIB = 2 ** 30;

/** A summary for people, with what was asked and whether it was reached. */
export const benchTable = (summary: BenchSummary): string => {
  const { modes, options, faults, errors } = summary;
  const { endpoints, timeScale } = options.fleet;
  const cells = (name: string, of: (mode: ModeSummary) => string) => [name, ...modes.map(of)];
  const table = plainTable(
    [
      ["", ...modes.map(({ overlap }) => (overlap ? "with overlap" : "without overlap"))],
      cells("sampling, s", ({ sampling }) => seconds(sampling.seconds)),
      cells("  of one that knows all lengths", ({ sampling }) => share(sampling.ofClairvoyant)),
      cells("  of one that cuts as it likes and meets no faults", ({ sampling }) => share(sampling.ofFaultless)),
      cells("  of what is possible at all", ({ sampling }) => share(sampling.ofBound)),
      cells("sampling and scoring, s", ({ iteration }) => seconds(iteration.seconds)),
      cells("  of one that knows all lengths", ({ iteration }) => share(iteration.ofClairvoyant)),
      cells("  of one that cuts as it likes and meets no faults", ({ iteration }) => share(iteration.ofFaultless)),
      cells("  of what is possible at all", ({ iteration }) => share(iteration.ofBound)),
      cells("cores of the orchestrator", ({ cores }) => number(cores, 2)),
    ],
    { alignRight: [1, 2] },
  );
  const met = Object.entries(faults)
    .map(([kind, times]) => `${times} ${kind}`)
    .join(", ");
  return [
    `${endpoints} samplers, ${summary.rows} rollouts in ${summary.calls} calls, seeds ${options.seeds.join(", ")}, time x ${timeScale}`,
    table,
    `overlap makes an iteration ${summary.overlapGain.toFixed(2)} times as fast`,
    `peak memory of the orchestrator: ${(summary.peakRssBytes / GIB).toFixed(2)} GiB`,
    `faults met: ${met}; rollouts lost: ${errors.lost}, doubled: ${errors.doubled}, different: ${errors.different}`,
    `the simulation's own delay: ${summary.latenessP99Ms.toFixed(1)} ms (one row in a hundred of the worst iteration)`,
    ...verdicts(summary),
  ].join("\n");
};

/** One line for each thing that was asked for. */
const verdicts = ({ modes, peakRssBytes, errors }: BenchSummary): readonly string[] => {
  const share = least(
    modes.map(({ sampling, iteration }) => Math.min(sampling.ofClairvoyant.mean, iteration.ofClairvoyant.mean)),
  );
  const cores = greatest(modes.map((mode) => mode.cores.mean));
  const wrongRows = errors.lost + errors.doubled + errors.different;
  const line = (reached: boolean, what: string) => `${reached ? "reached" : "MISSED "}  ${what}`;
  return [
    line(
      share >= LEAST_SHARE,
      `at least ${percent(LEAST_SHARE)} of a scheduler that knows all lengths: ${percent(share)}`,
    ),
    line(peakRssBytes < MOST_BYTES, `less than 1 GiB: ${(peakRssBytes / GIB).toFixed(2)} GiB`),
    line(cores <= MOST_CORES, `at most one core: ${cores.toFixed(2)}`),
    line(wrongRows === 0, `every rollout once, and the same as from one sampler: ${wrongRows} are not`),
  ];
};

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

/** Mean and, of several seeds, their standard deviation. */
const number = ({ mean, standardDeviation }: MeanAndSpread, digits: number, unit = 1): string =>
  (mean * unit).toFixed(digits) +
  (standardDeviation === null ? "" : ` ± ${(standardDeviation * unit).toFixed(digits)}`);
const seconds = (x: MeanAndSpread): string => number(x, 2);
const share = (x: MeanAndSpread): string => `${number(x, 1, 100)} %`;
