import type { JudgeAgreement, JudgedRow, WinRate } from "../../domain/evaluation.js";
import { cohensKappa } from "../../math/cohens-kappa.js";
import { wilsonInterval } from "../../math/wilson-interval.js";

/** For each judge and opponent, in the order in which they were asked: how often the policy wins. */
export const winRates = (judged: readonly JudgedRow[]): readonly WinRate[] =>
  [...grouped(judged, ({ judge, against }) => JSON.stringify([judge, against])).values()].map((rows) => {
    const { judge, against } = rows[0]!;
    const count = (verdict: JudgedRow["verdict"]) => rows.filter((row) => row.verdict === verdict).length;
    const [ties, unjudged] = [count("tie"), count(null)];
    return {
      ...{ judge, against, ties, unjudged },
      winRate: wilsonInterval(count("policy") + ties / 2, rows.length - unjudged),
    };
  });

/** For each opponent and two judges: how often they agree, of the rows on which both have a verdict. */
export const judgeAgreement = (judged: readonly JudgedRow[]): readonly JudgeAgreement[] =>
  [...grouped(judged, ({ against }) => against)].flatMap(([against, rows]) =>
    pairsOf([...grouped(rows, ({ judge }) => judge)]).map(([[first, firstRows], [second, secondRows]]) => {
      const verdicts = new Map(secondRows.map(({ row, verdict }) => [row, verdict]));
      const labels = firstRows.flatMap(({ row, verdict }): (readonly [string, string])[] => {
        const other = verdicts.get(row);
        return verdict && other ? [[verdict, other]] : [];
      });
      const same = labels.filter(([one, other]) => one === other).length;
      return {
        judges: [first, second],
        against,
        share: wilsonInterval(same, labels.length),
        kappa: cohensKappa(labels),
      };
    }),
  );

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const pairsOf = <T>(items: readonly T[]): readonly (readonly [T, T])[] =>
  items.flatMap((first, i) => items.slice(i + 1).map((second) => [first, second] as const));
