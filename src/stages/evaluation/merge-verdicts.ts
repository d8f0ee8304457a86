import type { Evaluation, JudgedRow } from "../../domain/evaluation.js";
import { headlineWinRate, judgeAgreement, winRates } from "./win-rates.js";

/** Verdicts with newer ones in the place of those of the same judge, model and opponent. */
export function mergeVerdicts(before: readonly JudgedRow[], newer: readonly JudgedRow[]): readonly JudgedRow[] {
  const keyOf = ({ judge, of, against }: JudgedRow) => JSON.stringify([judge, of, against]);
  // A group stays where it was: the first judge against SFT is the headline.
  const groups = new Map<string, JudgedRow[]>([...before, ...newer].map((row) => [keyOf(row), []]));
  const replaced = new Set(newer.map(keyOf));
  for (const row of before) if (!replaced.has(keyOf(row))) groups.get(keyOf(row))!.push(row);
  for (const row of newer) groups.get(keyOf(row))!.push(row);
  return [...groups.values()].flat();
}

/** An evaluation whose win rates and agreement are those of the verdicts. */
export function withVerdicts(evaluation: Evaluation, verdicts: readonly JudgedRow[]): Evaluation {
  const rates = winRates(verdicts);
  return {
    ...evaluation,
    difference: { ...evaluation.difference, judgeWinRate: headlineWinRate(rates) },
    winRates: rates,
    agreement: judgeAgreement(verdicts),
  };
}
