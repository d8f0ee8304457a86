import type { ScoreScale } from "../domain/model.js";
import type { RawScores } from "../drpo/raw-scores.js";
import { sumScorer, UNSCALED } from "../drpo/score-rollouts.js";
import { writeFromPrompts } from "../drpo/write-from-prompts.js";
import { DivergedError } from "../errors.js";
import { mean, standardDeviation } from "../math/statistics.js";
import { promptsToAnswer } from "./prompts-to-answer.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";
import { stageKey } from "./stage-key.js";

/** What is measured, and how far the measurement can be used again. */
export interface ScaleRequest {
  readonly rawScores: RawScores;
  /** What the scores depend on; null: not known, so the scale is this run's only. */
  readonly dependsOn: Readonly<Record<string, unknown>> | null;
  /** Place of the reward in the recipe. */
  readonly where: string;
  /** Samples. */
  readonly rollouts: number;
  readonly seed: number;
}

/**
 * Mean and standard deviation of raw scores over samples of pi_SFT, from the cache if they were measured before: the units
 * of a normalised score.
 * @throws DivergedError if all samples have the same score
 */
export async function measureScale(run: OpenRun, sft: SftOutput, request: ScaleRequest): Promise<ScoreScale> {
  const { recipe, cache, call } = run;
  const { dependsOn, where, rollouts, seed } = request;
  const key = await stageKey(run, "score-scale", {
    ...{ rollouts, seed, sft: sft.key, maxTokens: recipe.response.maxTokens, sampling: recipe.policy.sampling },
    ...(recipe.server.samplers.length > 0 ? { samplers: samplersOf(recipe.server) } : {}),
    scores: dependsOn ?? { runId: run.run.runId, where },
  });
  const { output } = await cache.getOrCompute<ScoreScale>({
    ...{ stage: "score-scale", key, signal: call.signal },
    stillThere: () => Promise.resolve(true),
    compute: () => measure(run, sft, request),
  });
  return output;
}

/** What the samples depend on of who writes them; how many do is not among it. */
function samplersOf({ samplers, samplerRows }: OpenRun["recipe"]["server"]) {
  const kinds = samplers.map((sampler) =>
    sampler.kind === "local" ? `${sampler.engine} ${sampler.device} ${sampler.dtype}` : "remote",
  );
  return { samplerRows, kinds: [...new Set(kinds)].sort() };
}

async function measure(
  { recipe, server, tokenizerInfo: { endTokenIds }, data, call, progress }: OpenRun,
  { reference }: SftOutput,
  { rawScores, where, rollouts, seed }: ScaleRequest,
): Promise<ScoreScale> {
  const task = progress.start("score scale", rollouts, "responses");
  const scorer = sumScorer([{ weight: 1, scale: UNSCALED, rawScores }], { endTokenIds });
  const written = await writeFromPrompts(
    { ...server, scorer },
    {
      ...{
        policy: reference,
        reference,
        prompts: promptsToAnswer(data.train),
        responses: rollouts,
        budget: recipe.response.maxTokens,
      },
      params: { ...recipe.policy.sampling, stopTokenIds: endTokenIds },
      noise: { seed, purpose: "score-scale", iteration: 0 },
    },
    { ...call, onProgress: (done) => task.update(done) },
  );
  const scores = written.map(({ rollout }) => rollout.score);
  const scale = { mean: mean(scores), standardDeviation: standardDeviation(scores) };
  task.end(`SFT samples score ${scale.mean.toFixed(2)} ± ${scale.standardDeviation.toFixed(2)}`);
  if (!(scale.standardDeviation > 0)) {
    throw new DivergedError(
      `${where}: every one of ${rollouts} samples of the SFT policy has the same score, ${scale.mean}: there is nothing to ` +
        `normalise by. A reward model has learnt nothing; a function or a verifier can do without (${where}.normalise).`,
    );
  }
  return scale;
}
