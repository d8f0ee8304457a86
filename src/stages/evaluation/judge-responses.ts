import type { EvaluatedReference, JudgedRow, Opponent } from "../../domain/evaluation.js";
import type { Comparison, Judge, Judgement, Verdict } from "../../ports/judge.js";
import type { OpenRun } from "../run-context.js";

/** Responses of one party, by row; not every row need have one. */
export type Responses = readonly Pick<EvaluatedReference, "row" | "prompt" | "response">[];

/** What every judge says of the policy's responses against each opponent's, where both answer a row. */
export async function judgeResponses(
  { judges, progress, call }: Pick<OpenRun, "progress" | "call"> & { readonly judges: readonly Judge[] },
  policy: Responses,
  opponents: ReadonlyMap<Opponent, Responses>,
): Promise<readonly JudgedRow[]> {
  const judged: JudgedRow[] = [];
  for (const [against, responses] of opponents) {
    const { rows, comparisons } = pair(policy, responses);
    for (const judge of judges) {
      const task = progress.start(`judge ${judge.name} against ${against}`, comparisons.length, "comparisons");
      const judgements = await judge.compare(comparisons, { ...call, onProgress: (done) => task.update(done) });
      task.end();
      judged.push(...judgements.map((judgement, i) => judgedRow(judge, against, rows[i]!, judgement)));
    }
  }
  return judged;
}

/** The policy's response is always the first of a comparison; who stands first in a question is the judge's affair. */
function pair(policy: Responses, opponent: Responses): { rows: readonly number[]; comparisons: readonly Comparison[] } {
  const seconds = new Map(opponent.map(({ row, response }) => [row, response]));
  const answered = policy.filter(({ row }) => seconds.has(row));
  return {
    rows: answered.map(({ row }) => row),
    comparisons: answered.map(({ row, prompt, response }) => ({ prompt, first: response, second: seconds.get(row)! })),
  };
}

const PARTIES = { first: "policy", second: "opponent", tie: "tie" } as const;
const partyOf = (verdict: Verdict | null) => verdict && PARTIES[verdict];

const judgedRow = (judge: Judge, against: Opponent, row: number, { verdict, answers }: Judgement): JudgedRow => ({
  ...{ row, judge: judge.name, against, verdict: partyOf(verdict) },
  answers: answers.map(({ firstShown, preferred, text }) => ({
    ...{ first: PARTIES[firstShown], preferred: partyOf(preferred), text },
  })),
});
