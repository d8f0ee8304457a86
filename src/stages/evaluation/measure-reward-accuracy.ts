import type { Metric } from "../../domain/evaluation.js";
import { bootstrap } from "../../math/bootstrap.js";
import { pairAccuracy } from "../../math/pair-accuracy.js";
import { Random } from "../../math/random.js";
import { seedAt } from "../../math/seeds.js";
import { scoreResponses, type RewardOutput } from "../reward.js";
import type { OpenRun } from "../run-context.js";

/**
 * Share of held-out pairs that the scores order as people did, with an interval over responses: pairs that share a response
 * are not independent.
 * @returns null if no two held-out responses to a prompt differ in their rating
 */
export async function measureRewardAccuracy(run: OpenRun, reward: RewardOutput): Promise<Metric | null> {
  const { recipe, evaluationGroups, progress } = run;
  const { heldOutResponses, bootstrapResamples: resamples } = recipe.evaluation;
  const random = new Random(seedAt(recipe.seed, "evaluation", 1));
  let room = heldOutResponses;
  const groups = random.shuffled(evaluationGroups).flatMap(({ responses }) => {
    const taken = random.shuffled(responses).slice(0, Math.max(room, 0));
    room -= taken.length;
    return taken.length > 1 ? [taken] : [];
  });
  const rows = groups.flat();
  const ratings = rows.map(({ rating }) => rating);
  const sizes = groups.map((group) => group.length);
  const nothingToCompare = Number.isNaN(pairAccuracy(ratings, ratings, sizes));
  if (nothingToCompare) return null;
  const task = progress.start("reward accuracy", rows.length, "responses");
  const scores = await scoreResponses(
    reward,
    rows.map(({ id, prompt, response }) => ({ prompt, response, ended: true, sourceId: id })),
    { ...run.call, onProgress: (done) => task.update(done) },
  );
  task.end();
  return bootstrap(
    rows.length,
    (indices) => {
      const weights = new Uint16Array(rows.length);
      for (const i of indices) weights[i]!++;
      return pairAccuracy(scores, ratings, sizes, weights);
    },
    { resamples, seed: seedAt(recipe.seed, "bootstrap", 1) },
  );
}
