import type { EvaluatedReference, EvaluatedResponse } from "../../domain/evaluation.js";
import type { ModelHandle } from "../../domain/model.js";
import { responseTokens, withoutEnd } from "../../domain/rollout.js";
import { writeFromPrompts, type WrittenResponse } from "../../drpo/write-from-prompts.js";
import { klK1, klK3 } from "../../math/kl.js";
import { rouge } from "../../math/rouge.js";
import { promptsToAnswer } from "../prompts-to-answer.js";
import { scorerOf, type RewardOutput } from "../reward.js";
import type { OpenRun } from "../run-context.js";
import type { SftOutput } from "../sft.js";
import type { EvaluationRow } from "./evaluation-rows.js";

/**
 * A model's responses to the rows' prompts, without resets. Every model is sampled under the same noise, which no training
 * and no selection has used.
 */
export async function writeResponses(
  run: OpenRun,
  { sft, reward }: { readonly sft: SftOutput; readonly reward: RewardOutput },
  policy: ModelHandle,
  { rows, references }: { readonly rows: readonly EvaluationRow[]; readonly references: readonly EvaluatedReference[] },
): Promise<readonly EvaluatedResponse[]> {
  const { recipe, server, progress } = run;
  const { endTokenIds } = run.tokenizerInfo;
  const name = policy.name === sft.reference.name ? "SFT" : "policy";
  const task = progress.start(`evaluate ${name}`, rows.length, "responses");
  const written = await writeFromPrompts(
    { ...server, scorer: scorerOf(run, reward) },
    {
      ...{ policy, reference: sft.reference, prompts: promptsToAnswer(run.evaluationGroups), responses: rows.length },
      budget: recipe.response.maxTokens,
      params: {
        ...{ temperature: recipe.evaluation.temperature, topP: 1, topK: 0 },
        stopTokenIds: endTokenIds,
      },
      noise: { seed: recipe.seed, purpose: "evaluation", iteration: 0 },
    },
    { ...run.call, onProgress: (done) => task.update(done) },
  );
  const texts = await server.tokenizer.detokenize(
    written.map(({ rollout }) => withoutEnd(responseTokens(rollout), endTokenIds)),
    { ...run.call, continues: true },
  );
  task.end();
  const referenceTexts = namedReferences(rows, references);
  return written.map((response, row) =>
    evaluatedResponse(response, {
      ...{ row, group: rows[row]!.group },
      text: texts[row]!,
      referenceText: referenceTexts.get(row),
    }),
  );
}

/** By row. A response that people merely preferred is one of many that would do: overlap with it says little. */
const namedReferences = (rows: readonly EvaluationRow[], references: readonly EvaluatedReference[]) =>
  new Map(
    references.filter(({ row }) => rows[row]!.group.reference !== null).map(({ row, response }) => [row, response]),
  );

const evaluatedResponse = (
  { rollout, logRatios }: WrittenResponse,
  {
    row,
    group,
    text,
    referenceText,
  }: {
    readonly row: number;
    readonly group: EvaluationRow["group"];
    readonly text: string;
    readonly referenceText: string | undefined;
  },
): EvaluatedResponse => ({
  ...{ row, promptId: group.id, prompt: group.promptText, response: text, score: rollout.score },
  ...{ responseTokens: rollout.generated.length, ended: rollout.finishReason === "stop" },
  ...{ klK1: klK1(logRatios), klK3: klK3(logRatios) },
  rouge: referenceText === undefined ? null : rouge(text, referenceText),
});
