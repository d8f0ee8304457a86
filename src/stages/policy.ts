import { iterationCommitter, type PolicyState } from "../drpo/commit-iteration.js";
import { refuseDivergence } from "../drpo/refuse-divergence.js";
import { validatePolicy, type Validation } from "../drpo/validate-policy.js";
import { writeFromPrompts } from "../drpo/write-from-prompts.js";
import type { CallOptions } from "../ports/call-options.js";
import type { Commit } from "../ports/run-directory.js";
import { trainByDpo } from "./dpo.js";
import { trainOnline } from "./online.js";
import type { PolicyCommitter } from "./policy-committer.js";
import { promptsToAnswer } from "./prompts-to-answer.js";
import { scorerOf, type RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/** pi_SFT to pi: by Algorithm 1, or offline by DPO; from the last commit on if there is one. */
export async function policyStage(run: OpenRun, sft: SftOutput, reward: RewardOutput): Promise<Commit> {
  const { policy } = run.recipe;
  const seed = policy.seed ?? run.recipe.seed;
  const committer: PolicyCommitter = ({ iterations, klCoef }) =>
    iterationCommitter({
      ...{ ...run.server, run: run.run, iterations },
      ...{ checkpointEvery: policy.checkpointEvery, validateEvery: policy.validation.every },
      validate: (state, call) => validate(run, reward, state, { klCoef, seed }, call),
      // A local server writes into the run directory; a remote one may serve many runs.
      checkpointFolder: run.recipe.server.kind === "local" ? "checkpoints" : `checkpoints/${run.run.runId}`,
    });
  if (policy.kind === "dpo") await trainByDpo(run, policy, { sft, reward, seed, committer });
  else await trainOnline(run, policy, { sft, reward, seed, committer });
  return run.run.lastCommit()!;
}

/** A short evaluation from the prompts, always under the same noise. */
async function validate(
  run: OpenRun,
  reward: RewardOutput,
  { models, iteration }: PolicyState,
  { klCoef, seed }: { readonly klCoef: number; readonly seed: number },
  call: CallOptions,
): Promise<Validation> {
  const { recipe, server, progress } = run;
  const { sampling, validation } = recipe.policy;
  const task = progress.start(`validation after iteration ${iteration}`, validation.rollouts, "responses");
  const written = await writeFromPrompts(
    { ...server, scorer: scorerOf(run, reward) },
    {
      ...{ policy: models.policy, reference: models.reference, prompts: promptsToAnswer(run.data.heldOut) },
      ...{ responses: validation.rollouts, budget: recipe.response.maxTokens },
      params: { ...sampling, stopTokenIds: run.tokenizerInfo.endTokenIds },
      noise: { seed, purpose: "validation", iteration: 0 },
    },
    { ...call, onProgress: (done) => task.update(done) },
  );
  const result = validatePolicy(written, klCoef);
  refuseDivergence(result, iteration - 1, recipe.policy.maxKl);
  task.end(`score ${result.score.toFixed(2)}, KL ${result.kl.toFixed(1)}`);
  return result;
}
