import type { Evaluation } from "../domain/evaluation.js";
import { evaluateStage } from "./evaluate.js";
import { noteTexts } from "./note-texts.js";
import { openRun } from "./open-run.js";
import { policyStage } from "./policy.js";
import { refuseOtherTokenizers } from "./refuse-other-tokenizer.js";
import { refuseTooLittleMemory } from "./refuse-too-little-memory.js";
import { rewardStage } from "./reward.js";
import type { RunContext } from "./run-context.js";
import { sftStage } from "./sft.js";

/**
 * A whole recipe: pi_SFT, the reward model, the policy by Algorithm 1, and what came of it.
 * @throws InterruptedError after Ctrl-C; what was committed stays, and the same call goes on from there
 */
export async function runRecipe(context: RunContext): Promise<Evaluation> {
  const run = await openRun(context);
  await refuseOtherTokenizers(run);
  await noteTexts(run);
  await refuseTooLittleMemory(run);
  const sft = await sftStage(run);
  const reward = await rewardStage(run, sft);
  const commit = await policyStage(run, sft, reward);
  return evaluateStage(run, sft, reward, commit);
}
