import { holm } from "../../math/holm.js";
import { pairedTest, type PairedTest } from "../../math/paired-test.js";
import type { RunGroup } from "../group-runs.js";
import type { ReportedRun } from "../reported-run.js";
import { type ResultMetric, resultMetrics } from "./result-metrics.js";

/** A paired test of one metric between two groups. */
export interface Comparison {
  readonly metric: ResultMetric;
  readonly group: string;
  /** What it is compared with. */
  readonly baseline: string;
  /** What the pairs are: runs of one seed, or the responses of one seed's runs to one prompt. */
  readonly pairedBy: "seed" | "prompt";
  /** Group less baseline. */
  readonly test: PairedTest;
  /** p by Holm's method over all comparisons of the report (Holm 1979). */
  readonly pHolm: number;
}

/** Of the t test, or of the permutation where differences do not vary. */
export const pOf = ({ pT, pPermutation }: PairedTest): number => pT ?? pPermutation;

/** Up to so many groups, each is compared with each. */
const MAX_GROUPS_FOR_ALL_PAIRS = 3;

/**
 * Tests of each tested metric: between all pairs of a few groups; of many, each against the one without resets (the
 * first one, if all or none have them).
 */
export function comparisons(groups: readonly RunGroup[]): readonly Comparison[] {
  const metrics = resultMetrics(groups.flatMap(({ runs }) => runs)).filter(({ isTested }) => isTested);
  const tests = metrics.flatMap((metric) =>
    pairs(groups).flatMap(([baseline, group]) => comparison(metric, group, baseline) ?? []),
  );
  const adjusted = holm(tests.map(({ test }) => pOf(test)));
  return tests.map((one, i) => ({ ...one, pHolm: adjusted[i]! }));
}

type Pair = readonly [baseline: RunGroup, group: RunGroup];

/** Of groups that begin with the same SFT and are measured alike; of all, if no two are. */
function pairs(groups: readonly RunGroup[]): readonly Pair[] {
  const starts = [...new Set(groups.map(({ start }) => start))];
  const alike = starts.flatMap((start) => pairsOf(groups.filter((group) => group.start === start)));
  return alike.length > 0 ? alike : pairsOf(groups);
}

function pairsOf(groups: readonly RunGroup[]): readonly Pair[] {
  if (groups.length <= MAX_GROUPS_FOR_ALL_PAIRS) {
    return groups.flatMap((first, i) => groups.slice(i + 1).map((second) => [first, second] as const));
  }
  const baseline = groups.find(({ resetProportion }) => resetProportion === 0) ?? groups[0]!;
  return groups.filter((group) => group !== baseline).map((group) => [baseline, group] as const);
}

function comparison(metric: ResultMetric, group: RunGroup, baseline: RunGroup): Omit<Comparison, "pHolm"> | null {
  const shared = group.runs.flatMap((run) => {
    const other = baseline.runs.find(({ seed }) => seed === run.seed);
    return other && run.evaluation && other.evaluation ? [[run, other] as const] : [];
  });
  const bySeed = shared.flatMap(([run, other]) => {
    const [own, theirs] = [metric.ofPolicy(run.evaluation!), metric.ofPolicy(other.evaluation!)];
    return own && theirs ? [[own.mean, theirs.mean] as const] : [];
  });
  const names = { metric, group: group.label, baseline: baseline.label };
  if (bySeed.length > 1) return { ...names, pairedBy: "seed", test: testOf(bySeed) };
  if (shared.length !== 1) return null;
  const [run, other] = shared[0]!;
  const byPrompt = promptPairs(metric, run, other);
  return byPrompt.length > 1 ? { ...names, pairedBy: "prompt", test: testOf(byPrompt) } : null;
}

type NumberPair = readonly [own: number, theirs: number];

/** Of the signs of many prompts: enough to tell 0.04 from 0.05, for each of many tests. */
const DRAWS = 10_000;

const testOf = (numbers: readonly NumberPair[]): PairedTest =>
  pairedTest(
    numbers.map(([own]) => own),
    numbers.map(([, theirs]) => theirs),
    { draws: DRAWS },
  );

/** One metric of the responses to the same prompts, in rows that both runs have. */
function promptPairs(metric: ResultMetric, run: ReportedRun, other: ReportedRun): readonly NumberPair[] {
  const [own, theirs] = [rowValues(metric, run), rowValues(metric, other)];
  const theirPrompts = new Map(other.rows.policy.map(({ row, promptId }) => [row, promptId]));
  return run.rows.policy.flatMap(({ row, promptId }) => {
    const [a, b] = [own.get(row), theirs.get(row)];
    return a === undefined || b === undefined || theirPrompts.get(row) !== promptId ? [] : [[a, b] as const];
  });
}

const WIN = { win: 1, tie: 0.5, loss: 0 } as const;

function rowValues({ name, verdicts }: ResultMetric, { rows }: ReportedRun): ReadonlyMap<number, number> {
  if (name === "score" || name === "klK1") return new Map(rows.policy.map((line) => [line.row, line[name]]));
  const own = rows.verdicts.filter(
    ({ judge, of, against }) => of === "policy" && judge === verdicts?.judge && against === verdicts.against,
  );
  return new Map(own.flatMap(({ row, verdict }) => (verdict === null ? [] : [[row, WIN[verdict]]])));
}
