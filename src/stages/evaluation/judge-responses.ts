import type { EvaluatedReference, JudgedModel, JudgedRow, Opponent } from "../../domain/evaluation.js";
import type { Comparison, Judge, Judgement, Verdict } from "../../ports/judge.js";
import type { OpenRun } from "../run-context.js";

/** Responses of one party, by row; not every row need have one. */
export type Responses = readonly Pick<EvaluatedReference, "row" | "prompt" | "response">[];

/** Whose responses are judged, and against whose. */
export interface Pairing {
  readonly of: JudgedModel;
  readonly against: Opponent;
  readonly own: Responses;
  readonly opponent: Responses;
}

/**
 * What is judged, in the order of asking: the policy's responses against each opponent's, then SFT's against references.
 * The policy comes first, for a budget may end.
 */
export function pairings(
  { policy, sft }: Readonly<Record<JudgedModel, Responses>>,
  opponents: ReadonlyMap<Opponent, Responses>,
): readonly Pairing[] {
  const reference = opponents.get("reference") ?? [];
  return [
    ...[...opponents].map(([against, opponent]) => ({ of: "policy" as const, against, own: policy, opponent })),
    { of: "sft" as const, against: "reference", own: sft, opponent: reference },
  ].filter(({ own, opponent }) => own.length > 0 && opponent.length > 0);
}

/** What every judge says of each pairing, where both answer a row. */
export async function judgeResponses(
  { judges, progress, call }: Pick<OpenRun, "progress" | "call"> & { readonly judges: readonly Judge[] },
  asked: readonly Pairing[],
): Promise<readonly JudgedRow[]> {
  const judged: JudgedRow[] = [];
  for (const pairing of asked) {
    const { rows, comparisons } = comparisonsOf(pairing);
    for (const judge of judges) {
      const name = `judge ${judge.name}: ${pairing.of} against ${pairing.against}`;
      const task = progress.start(name, comparisons.length, "comparisons");
      const judgements = await judge.compare(comparisons, { ...call, onProgress: (done) => task.update(done) });
      task.end();
      for (const [i, judgement] of judgements.entries()) judged.push(judgedRow(judge, pairing, rows[i]!, judgement));
    }
  }
  return judged;
}

/** One's own response is always the first of a comparison; who stands first in a question is the judge's affair. */
function comparisonsOf({ own, opponent }: Pairing): {
  readonly rows: readonly number[];
  readonly comparisons: readonly Comparison[];
} {
  const seconds = new Map(opponent.map(({ row, response }) => [row, response]));
  const answered = own.filter(({ row }) => seconds.has(row));
  return {
    rows: answered.map(({ row }) => row),
    comparisons: answered.map(({ row, prompt, response }) => ({ prompt, first: response, second: seconds.get(row)! })),
  };
}

const VERDICTS = { first: "win", second: "loss", tie: "tie" } as const;
const PARTIES = { first: "own", second: "opponent", tie: "tie" } as const;
const partyOf = (verdict: Verdict | null) => verdict && PARTIES[verdict];

const judgedRow = (
  judge: Judge,
  { of, against }: Pairing,
  row: number,
  { verdict, answers }: Judgement,
): JudgedRow => ({
  ...{ row, judge: judge.name, of, against, verdict: verdict && VERDICTS[verdict] },
  answers: answers.map(({ firstShown, preferred, text }) => ({
    ...{ first: PARTIES[firstShown], preferred: partyOf(preferred), text },
  })),
});
