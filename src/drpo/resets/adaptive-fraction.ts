import { mean } from "../../math/statistics.js";
import { fractionOf, type FractionInterval, type PrefixSelector } from "./prefix-selector.js";

const ANYWHERE: FractionInterval = [0, 1];

/**
 * A fraction for each example, searched by halves: AdaBack (Amani et al. 2025, arXiv 2506.18110). An example's fraction is
 * drawn uniformly from its interval. Solved from there (mean score at least the threshold): the next is at most that;
 * not solved: at least that. The other bound is opened again, so that a search that went astray, or that the policy has
 * outgrown, is not stuck.
 */
export const adaptiveFraction = ({ scoreThreshold }: { readonly scoreThreshold: number }): PrefixSelector => ({
  cut: (requests, memory) =>
    Promise.resolve(
      requests.map(({ id, length, random }) => {
        const [low, high] = memory[id] ?? ANYWHERE;
        return fractionOf(length, low + (high - low) * random.next());
      }),
    ),
  learn(memory, rollouts) {
    const tried = new Map<string, { readonly fraction: number; readonly score: number }[]>();
    for (const { reset, score } of rollouts) {
      if (reset.sourceId === null || reset.fraction === undefined) continue;
      const before = tried.get(reset.sourceId) ?? [];
      tried.set(reset.sourceId, [...before, { fraction: reset.fraction, score }]);
    }
    const learnt = [...tried].map(([id, trials]): [string, FractionInterval] => {
      // An example drawn twice in an iteration counts as one trial in the middle of both.
      const fraction = mean(trials.map((trial) => trial.fraction));
      const isSolved = mean(trials.map((trial) => trial.score)) >= scoreThreshold;
      return [id, isSolved ? [0, fraction] : [fraction, 1]];
    });
    return { ...memory, ...Object.fromEntries(learnt) };
  },
});
