import { klFrontier } from "../../math/kl-frontier.js";
import { mean } from "../../math/statistics.js";
import type { RunGroup } from "../group-runs.js";
import { overSeeds, type SeedPoint } from "./over-seeds.js";
import { greatest } from "../../math/extremes.js";

/** Figures 1 and 2 of the paper: reward score against KL over held-out responses, binned by KL. */
export interface Frontier {
  readonly curves: readonly FrontierCurve[];
  /** Mean scores over all runs; null where there are none, or where groups do not begin with the same. */
  readonly sftScore: number | null;
  readonly referenceScore: number | null;
}

export interface FrontierCurve {
  readonly group: string;
  readonly colour: number;
  /** A bin each, by rising KL: mean KL (nats a response) and mean score of its responses. */
  readonly points: readonly FrontierPoint[];
}

export interface FrontierPoint extends SeedPoint {
  readonly responses: number;
}

const MAX_BINS = 10;
/** Responses; a mean over fewer says little. */
const SMALLEST_BIN = 8;

/** @returns null if no run has evaluated responses */
export function frontier(groups: readonly RunGroup[]): Frontier | null {
  const runs = groups.flatMap((group) => group.runs);
  if (runs.every(({ rows }) => rows.policy.length === 0)) return null;
  const isOneStart = new Set(groups.map(({ start }) => start)).size === 1;
  return {
    curves: groups.map(frontierCurve).filter(({ points }) => points.length > 0),
    sftScore: isOneStart ? meanScore(runs.flatMap(({ rows }) => rows.sft)) : null,
    referenceScore: isOneStart ? meanScore(runs.flatMap(({ rows }) => rows.reference)) : null,
  };
}

function frontierCurve({ label, colour, runs }: RunGroup): FrontierCurve {
  const bySeed = runs
    .filter(({ rows }) => rows.policy.length > 0)
    .map(({ rows }) => {
      const bins = Math.min(MAX_BINS, Math.ceil(rows.policy.length / SMALLEST_BIN));
      return klFrontier(
        rows.policy.map(({ klK1, score }) => ({ kl: klK1, score })),
        bins,
      );
    });
  // The n-th part of each seed's responses by KL.
  const count = Math.max(0, greatest(bySeed.map(({ length }) => length)));
  const points = Array.from({ length: count }, (_, bin) => {
    const found = bySeed.flatMap((bins) => bins[bin] ?? []);
    const responses = found.reduce((total, { score }) => total + score.n, 0);
    return { ...overSeeds(found.map(({ kl, score }) => ({ x: kl, y: score.mean }))), responses };
  });
  return { group: label, colour, points };
}

const meanScore = (rows: readonly { readonly score: number }[]): number | null =>
  rows.length === 0 ? null : mean(rows.map(({ score }) => score));
