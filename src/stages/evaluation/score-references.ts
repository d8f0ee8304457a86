import type { EvaluatedReference } from "../../domain/evaluation.js";
import type { TokenizedResponse } from "../../domain/tokenized-dataset.js";
import { scoreResponses, type RewardOutput } from "../reward.js";
import type { OpenRun } from "../run-context.js";
import type { EvaluationRow } from "./evaluation-rows.js";

/** People's responses, with their scores: each is scored once, however many rows it answers. Rows without one are left out. */
export async function scoreReferences(
  run: OpenRun,
  reward: RewardOutput,
  rows: readonly EvaluationRow[],
): Promise<readonly EvaluatedReference[]> {
  const distinct = new Map(rows.flatMap(({ reference }) => (reference ? [[reference.id, reference] as const] : [])));
  const references = [...distinct.values()];
  if (references.length === 0) return [];
  const known = new Map(
    (await scoresAndTexts(run, reward, references)).map((found, i) => [references[i]!.id, found] as const),
  );
  return rows.flatMap(({ group, reference }, row) =>
    reference ? [{ row, promptId: group.id, prompt: group.promptText, ...known.get(reference.id)! }] : [],
  );
}

async function scoresAndTexts(
  { server, call, progress }: OpenRun,
  reward: RewardOutput,
  references: readonly TokenizedResponse[],
): Promise<readonly Pick<EvaluatedReference, "response" | "score">[]> {
  const task = progress.start("score references", references.length, "responses");
  const scores = await scoreResponses(
    reward,
    references.map(({ id, prompt, response }) => ({ prompt, response, ended: true, sourceId: id })),
    { ...call, onProgress: (done) => task.update(done) },
  );
  const texts = await server.tokenizer.detokenize(
    references.map(({ response }) => response),
    { ...call, continues: true },
  );
  task.end();
  return scores.map((score, i) => ({ response: texts[i]!, score }));
}
