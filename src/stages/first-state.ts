import { rewardModelTerm } from "../config/reward-terms.js";
import type { ModelHandle } from "../domain/model.js";
import type { PolicyState } from "../drpo/commit-iteration.js";
import { CorruptStateError } from "../errors.js";
import { seedAt } from "../math/seeds.js";
import type { Commit } from "../ports/run-directory.js";
import type { RewardOutput } from "./reward.js";
import type { OpenRun } from "./run-context.js";
import type { SftOutput } from "./sft.js";

/** The state of the last commit; or pi_1 = pi_SFT, and a critic that starts from the reward model. */
export async function firstState(
  run: OpenRun,
  sft: SftOutput,
  reward: RewardOutput,
  { needsCritic, klCoef, seed }: { readonly needsCritic: boolean; readonly klCoef: number; readonly seed: number },
): Promise<PolicyState> {
  const { server, call } = run;
  const { reference } = sft;
  const { base, shape } = run.recipe.model;
  const commit = run.run.lastCommit();
  if (commit) {
    run.progress.note(`policy: going on after iteration ${commit.iteration}`);
    const names = ["policy", ...(needsCritic ? ["critic"] : [])];
    const wanted = names.map((name) => ({ savedName: name, name, trainable: true }));
    const [policy, critic = null] = await server.models
      .restoreCheckpoint(commit.checkpoint, wanted, { ...call, base })
      .catch((cause: unknown) => {
        throw cause instanceof CorruptStateError ? nameEarlier(commit, cause) : cause;
      });
    await server.sampler.syncWeights(policy!, call);
    const { iteration, best, kept } = commit;
    const memory = commit.memory ? await run.run.readMemory(commit.memory) : { klCoef, fractions: {} };
    return { iteration, best, kept, memory, models: { policy: policy!, critic, reference } };
  }
  const policy = await server.models.createModel(
    {
      ...{ name: "policy", base, shape, head: "language-model", trainable: true },
      ...{ seed: seedAt(seed, "model", 2), initialisedFrom: { copyOf: reference.name } },
    },
    call,
  );
  const critic = needsCritic ? await createCritic(run, sft, reward, seed) : null;
  await server.sampler.syncWeights(policy, call);
  const memory = { klCoef, fractions: {} };
  return { iteration: 0, best: null, kept: [], memory, models: { policy, critic, reference } };
}

/** The last commit cannot be restored: which checkpoints are older, and how to go back to one. */
function nameEarlier({ iteration, checkpoint, best, kept }: Commit, cause: CorruptStateError): CorruptStateError {
  const previous = kept.filter((uri) => uri !== checkpoint.uri).at(-1);
  const whereBest = best && best.checkpoint.uri !== checkpoint.uri ? ` The best is ${best.checkpoint.uri}.` : "";
  const advice =
    previous === undefined
      ? "There is no earlier one: start again in another run directory."
      : `The one before it is ${previous}.${whereBest} To go back to it, delete the line of journal.jsonl that commits ` +
        `iteration ${iteration}, and resume the run.`;
  return new CorruptStateError(
    `Iteration ${iteration}, the last commit, cannot be restored. ${cause.message} ${advice}`,
    {
      cause,
    },
  );
}

/**
 * The critic starts from the reward model's adapter. It keeps the head, too, only where both read the same text in the
 * same units: a reward model with a template, or whose scores are normalised, gives its adapter and a head of zeros. A
 * reward model on another base gives nothing, and neither does a reward that is no model: then it starts from SFT.
 */
async function createCritic(run: OpenRun, sft: SftOutput, reward: RewardOutput, seed: number): Promise<ModelHandle> {
  const { base, shape } = run.recipe.model;
  const options = rewardModelTerm(run.recipe.reward)?.reward;
  const start = options && options.kind !== "folder" ? reward.model : null;
  const readsTheSame = start !== null && options?.template === "{prompt}{response}" && !options.normalise;
  const initialisedFrom = { copyOf: start?.name ?? sft.reference.name, resetHead: !readsTheSame };
  return run.server.models.createModel(
    {
      ...{ name: "critic", base, shape, head: "scalar", trainable: true },
      ...{ seed: seedAt(seed, "model", 3), initialisedFrom },
    },
    run.call,
  );
}
