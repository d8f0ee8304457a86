import type { Evaluation, EvaluationRows } from "../domain/evaluation.js";

/** What both models wrote to the same prompt under the same noise. */
export interface ExamplePair {
  readonly prompt: string;
  readonly sft: { readonly text: string; readonly score: number };
  readonly policy: { readonly text: string; readonly score: number };
}

/** The first rows of an evaluation, not picked; at most `count`. */
export function examplePairs({ sft, policy }: Pick<EvaluationRows, "sft" | "policy">, count: number): ExamplePair[] {
  const policyByRow = new Map(policy.map((response) => [response.row, response]));
  const pairs = sft.flatMap((before) => {
    const after = policyByRow.get(before.row);
    return after ? [{ prompt: before.prompt, sft: textOf(before), policy: textOf(after) }] : [];
  });
  return pairs.slice(0, count);
}

const textOf = ({ response, score }: EvaluationRows["sft"][number]) => ({ text: response, score });

/** As many as the evaluation's settings ask for. */
export function exampleCount(evaluation: Evaluation | null): number {
  const count = evaluation?.settings["examples"];
  return typeof count === "number" ? count : 0;
}
