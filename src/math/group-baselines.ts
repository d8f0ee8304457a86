import { mean, standardDeviation } from "./statistics.js";

/**
 * RLOO (Kool et al. 2019, "Buy 4 REINFORCE Samples, Get a Baseline for Free!"; Ahmadian et al. 2024, arXiv 2402.14740):
 * a score minus the mean of the other scores of its group, score_i - 1/(n - 1) sum over j != i of score_j.
 * @param scores [responses]
 * @param groups indices into scores, every one in one group; a group of one gets 0
 * @returns [responses]
 */
export function leaveOneOutAdvantages(scores: readonly number[], groups: readonly (readonly number[])[]): number[] {
  return inGroups(scores, groups, (group) => {
    const centre = mean(group);
    const scale = group.length > 1 ? group.length / (group.length - 1) : 0;
    return group.map((score) => scale * (score - centre));
  });
}

/**
 * GRPO (Shao et al. 2024, arXiv 2402.03300, section 4.1.2): (score - mean) / (deviation + 1e-8) over the score's group,
 * with the deviation's sum divided by n; without the division, Dr. GRPO (Liu et al. 2025, arXiv 2503.20783).
 * @param scores [responses]
 * @param groups indices into scores, every one in one group; a group of one gets 0
 * @returns [responses]
 */
export function groupAdvantages(
  scores: readonly number[],
  groups: readonly (readonly number[])[],
  { scaleByDeviation }: { readonly scaleByDeviation: boolean },
): number[] {
  return inGroups(scores, groups, (group) => {
    const centre = mean(group);
    const scale = scaleByDeviation ? standardDeviation(group) + 1e-8 : 1;
    return group.map((score) => (score - centre) / scale);
  });
}

function inGroups(
  scores: readonly number[],
  groups: readonly (readonly number[])[],
  advantagesOf: (scores: readonly number[]) => readonly number[],
): number[] {
  const advantages = new Array<number>(scores.length);
  for (const group of groups) {
    advantagesOf(group.map((i) => scores[i]!)).forEach((advantage, i) => (advantages[group[i]!] = advantage));
  }
  return advantages;
}
