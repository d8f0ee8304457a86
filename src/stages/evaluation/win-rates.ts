import type { JudgeAgreement, JudgedRow, Metric, WinRate } from "../../domain/evaluation.js";
import { cohensKappa } from "../../math/cohens-kappa.js";
import { wilsonInterval } from "../../math/wilson-interval.js";

/** For each judge, model and opponent, in the order of asking: how often the model wins. */
export const winRates = (judged: readonly JudgedRow[]): readonly WinRate[] =>
  [...grouped(judged, ({ judge, of, against }) => JSON.stringify([judge, of, against])).values()].map((rows) => {
    const { judge, of, against } = rows[0]!;
    const count = (verdict: JudgedRow["verdict"]) => rows.filter((row) => row.verdict === verdict).length;
    const [ties, unjudged] = [count("tie"), count(null)];
    return {
      ...{ judge, of, against, ties, unjudged },
      winRate: wilsonInterval(count("win") + ties / 2, rows.length - unjudged),
    };
  });

/** The policy's against SFT by the judge that was asked first; null where nobody judged that. */
export function headlineWinRate(rates: readonly WinRate[]): Metric | null {
  const winRate = rates.find(({ of, against }) => of === "policy" && against === "sft")?.winRate;
  return winRate && winRate.n > 0 ? winRate : null;
}

/** For each model, opponent and two judges: how often they agree, of the rows on which both have a verdict. */
export const judgeAgreement = (judged: readonly JudgedRow[]): readonly JudgeAgreement[] =>
  [...grouped(judged, ({ of, against }) => JSON.stringify([of, against])).values()].flatMap((rows) =>
    pairsOf([...grouped(rows, ({ judge }) => judge)]).map(([[first, firstRows], [second, secondRows]]) => {
      const verdicts = new Map(secondRows.map(({ row, verdict }) => [row, verdict]));
      const labels = firstRows.flatMap(({ row, verdict }): (readonly [string, string])[] => {
        const other = verdicts.get(row);
        return verdict && other ? [[verdict, other]] : [];
      });
      const same = labels.filter(([one, other]) => one === other).length;
      return {
        judges: [first, second],
        ...{ of: rows[0]!.of, against: rows[0]!.against },
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
