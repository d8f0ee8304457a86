import {
  agreements,
  type AgreementSummary,
  disagreements,
  type Disagreement,
  verdictCounts,
  type VerdictCounts,
} from "./figures/verdicts.js";
import { comparisons, type Comparison } from "./figures/comparisons.js";
import { findings } from "./findings.js";
import { frontier, type Frontier } from "./figures/frontier.js";
import { learningCurves, type StageCurves } from "./figures/learning-curves.js";
import {
  proportionAblation,
  scaling,
  type MetricAgainstSetting,
  type Scaling,
} from "./figures/metric-against-setting.js";
import { prefixReturns, type PrefixReturns } from "./figures/prefix-returns.js";
import { resultsTable, type ResultsTable } from "./figures/results-table.js";
import { heldOutSamples, trainingSamples, type Sample, type TrainingSamples } from "./figures/samples.js";
import { differingSettings, groupRuns, type RunGroup } from "./group-runs.js";
import type { ReportedRuns } from "./read-reported-runs.js";
import type { ReportedRun } from "./reported-run.js";
import { resetFindings } from "./reset-findings.js";
import { runFacts, valueAt, type Fact } from "./run-summary.js";

/** Everything that a report shows: page, Markdown and report.json are made from it and from nothing else. */
export interface Report {
  readonly title: string;
  /** Of drpo, that wrote the report. */
  readonly version: string;
  /** What the runs have in common. */
  readonly facts: readonly Fact[];
  readonly runs: readonly RunFacts[];
  readonly groups: readonly GroupFacts[];
  /** What could not be read, a sentence each that names the file and what to do. */
  readonly problems: readonly string[];
  readonly results: ResultsTable;
  readonly comparisons: readonly Comparison[];
  /** What these say, in plain words. */
  readonly findings: readonly string[];
  readonly frontier: Frontier | null;
  readonly ablation: readonly MetricAgainstSetting[];
  readonly scaling: Scaling | null;
  readonly curves: readonly StageCurves[];
  readonly prefixReturns: readonly PrefixReturns[];
  readonly samples: readonly Sample[];
  readonly trainingSamples: readonly TrainingSamples[];
  readonly verdicts: readonly VerdictCounts[];
  readonly agreements: readonly AgreementSummary[];
  readonly disagreements: readonly Disagreement[];
  /** Settings in which groups differ, by path. */
  readonly differences: readonly SettingDifference[];
}

/** How one run stands, and what it was made of. */
export interface RunFacts {
  readonly name: string;
  /** Null for a run of a sweep that has not begun. */
  readonly directory: string | null;
  readonly group: string | null;
  readonly seed: number | null;
  readonly status: string;
  readonly message: string | null;
  readonly iteration: number;
  /** Of the policy stage; null where the recipe does not say. */
  readonly iterations: number | null;
  /** Whose checkpoint was evaluated; the best so far while there is none. */
  readonly bestIteration: number | null;
  readonly createdAt: string | null;
  readonly runId: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly hashes: Readonly<Record<string, string>>;
  readonly command: string | null;
}

export interface GroupFacts {
  readonly label: string;
  readonly colour: number;
  readonly seeds: readonly number[];
  /** The resolved recipe of its first run. */
  readonly recipe: Readonly<Record<string, unknown>>;
}

export interface SettingDifference {
  readonly path: string;
  /** One for each group; undefined where the group has no such setting. */
  readonly values: readonly unknown[];
}

/** @param version of drpo that writes the report: runs of others are named */
export function makeReport({ title, runs, unbegun, problems }: ReportedRuns, version: string): Report {
  const { groups, problems: repeated } = groupRuns(runs);
  const tests = comparisons(groups);
  const ablation = proportionAblation(groups);
  const labelOf = new Map(groups.flatMap((group) => group.runs.map((run) => [run, group.label] as const)));
  return {
    title: title ?? `${runs.length} runs`,
    version,
    facts: commonFacts(runs),
    runs: [
      ...runs.map((run) => factsOfRun(run, labelOf.get(run) ?? null)),
      ...unbegun.map((one) => ({ ...UNBEGUN, ...one })),
    ],
    groups: groups.map(({ label, colour, runs: own }) => ({
      ...{ label, colour, seeds: own.map(({ seed }) => seed), recipe: own[0]!.record.recipe },
    })),
    problems: [...problems, ...repeated, ...runs.flatMap((run) => problemsOf(run, version)), ...hashProblems(groups)],
    ...{
      results: resultsTable(groups),
      comparisons: tests,
      findings: [...resetFindings(ablation, tests), ...findings(groups, tests)],
      frontier: frontier(groups),
    },
    ...{ ablation, scaling: scaling(groups), curves: learningCurves(groups) },
    ...{ prefixReturns: prefixReturns(groups), samples: heldOutSamples(groups) },
    ...{ trainingSamples: trainingSamples(groups), verdicts: verdictCounts(groups) },
    ...{ agreements: agreements(groups), disagreements: disagreements(groups) },
    differences: differingSettings(groups).map((path) => ({
      path,
      values: groups.map(({ settings }) => settings.get(path)),
    })),
  };
}

const UNBEGUN = {
  ...{ directory: null, group: null, seed: null, iteration: 0, iterations: null, bestIteration: null },
  ...{ createdAt: null, runId: null, versions: {}, hashes: {}, command: null },
} as const;

function factsOfRun(run: ReportedRun, group: string | null): RunFacts {
  const { name, directory, seed, state, record, evaluation, lastCommit, command } = run;
  const iterations = valueAt(record.recipe, "policy.iterations");
  return {
    ...{ name, directory, group, seed, command },
    ...{ status: state.status, message: state.message, iteration: state.iteration },
    iterations: typeof iterations === "number" ? iterations : null,
    bestIteration: evaluation?.bestIteration ?? lastCommit?.best?.iteration ?? null,
    ...{ createdAt: record.createdAt, runId: record.runId, versions: record.versions, hashes: record.hashes },
  };
}

/** Those that every run tells alike. */
function commonFacts(runs: readonly ReportedRun[]): readonly Fact[] {
  const [first = [], ...others] = runs.map(runFacts);
  return first.filter(({ name, value }) =>
    others.every((facts) => facts.some((one) => one.name === name && one.value === value)),
  );
}

function problemsOf({ directory, record, problems }: ReportedRun, version: string): readonly string[] {
  const own = record.versions["drpo"];
  const other =
    problems.length > 0 && own !== undefined && own !== version
      ? [
          `${directory} was written by drpo ${own}, and this is ${version}: read it with that version if it looks wrong.`,
        ]
      : [];
  return [...problems, ...other];
}

/** Runs of a group that were not made of the same cannot be averaged. */
function hashProblems(groups: readonly RunGroup[]): readonly string[] {
  return groups.flatMap(({ label, runs }) => {
    const names = [...new Set(runs.flatMap(({ record }) => Object.keys(record.hashes)))];
    const differing = names.filter((name) => new Set(runs.flatMap(({ record }) => record.hashes[name] ?? [])).size > 1);
    return differing.map(
      (name) => `The runs of ${label} have another ${name} each (see the hashes): their mean is not over seeds alone.`,
    );
  });
}
